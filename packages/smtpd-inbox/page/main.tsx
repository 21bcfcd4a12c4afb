/** Where the page begins. */

import { render } from 'preact';

import './theme.css';
import './controls.css';
import './shell/shell.css';
import './list/list.css';
import { Shell } from './shell/shell.js';

const root = document.getElementById('page');
if (root !== null) render(<Shell />, root);
