"""The page of `fastnet play`: users draw digits, watch neurons and train networks in a browser on this machine.

`server` answers only the user's browser. A `session` belongs to one window, and has a network and three threads. The
first thread trains the network (`training`). The second thread evaluates the network on an image (`inspection`). The
third thread measures accuracies, and searches test digits. `settings` validates the page's settings. `presets` has the
book's experiments. `breaking` changes weights. `frames` encodes messages. The folder `page` has the HTML, CSS and
JavaScript.
"""
