"""What `fastnet.pytorch_mnist` is made of: options, data, model, training, checkpoint, command."""
