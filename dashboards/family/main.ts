import '../ui/tokens.css'
import '../ui/base.css'
import { mount } from 'svelte'
import App from './app.svelte'

const target = document.getElementById('app')
if (!target) throw new Error('the page has no #app element')
mount(App, { target })
