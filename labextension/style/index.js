import '@xyflow/react/dist/base.css';
import './agents.css';
import './base.css';
import './board.css';
import './panel.css';
import './session.css';
