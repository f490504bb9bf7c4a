"""The one writer of work: queues, runs, interrupts, recovers. Everybody else reads the log."""
