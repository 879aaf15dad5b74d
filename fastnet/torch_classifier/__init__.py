"""The parts of `fastnet.pytorch_mnist`: options, data, model, training, checkpoint, command."""
