"""Policies that are programs (ONNX, TorchScript, torch.export): each runs in a process of its own that can open no
file, start nothing, and gets so much memory and time and no more."""
