/** Where the page begins. */

import { render } from 'preact';

import './theme.css';
import { Shell } from './shell/shell.js';

const root = document.getElementById('page');
if (root !== null) render(<Shell />, root);
