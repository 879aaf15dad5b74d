"""A page to play with: `fastnet play` serves it on this machine.

`server` answers the browser, and nobody else. A `session` is what one window does: it has a network, and two threads.
One trains (`training`), the other one looks into the network (`looking`). `settings` are what the page may choose,
`presets` the book's experiments. `breaking` changes weights. `frames` are the form of what is sent. The folder `page`
has the page itself.
"""
