"""Proves again, on this machine and with a model at hand, the laws that recognition keeps."""
