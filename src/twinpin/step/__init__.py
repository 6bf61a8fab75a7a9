"""What every step is made of: tensors, errors, the V2 protocol and the server."""
