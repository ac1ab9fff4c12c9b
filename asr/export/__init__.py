"""Acoustic models as ONNX graphs, built from the arrays of a bundle. This needs `onnx`, but no torch."""
