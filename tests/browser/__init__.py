"""Stories that real Chromium pages live through, against a real JupyterLab with named people."""
