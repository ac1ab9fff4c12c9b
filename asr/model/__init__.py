"""The acoustic model: convolutional front-end, recurrent stack, CTC head."""
