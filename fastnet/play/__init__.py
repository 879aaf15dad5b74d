"""A page to draw digits, watch neurons and train networks: `fastnet play` serves it on this machine.

`server` answers the browser, and nobody else. A `session` is what one window does: it has a network, and three threads.
One trains (`training`), one looks into the network (`looking`), and one measures and searches. `settings` are what the
page may choose, `presets` the book's experiments. `breaking` changes weights. `frames` are the form of what is sent.
The folder `page` has the page itself.
"""
