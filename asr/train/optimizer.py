"""Optimisers, and the learning rate at every step."""

from __future__ import annotations

import math

import torch
from torch import nn

from asr.config import TrainingConfig


def make_optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW, SGD with Nesterov momentum, or RMSprop; weight decay acts on matrices only."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=0.9, nesterov=True)
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=config.learning_rate, momentum=0.9)
    return torch.optim.AdamW(groups, lr=config.learning_rate, fused=True)


def learning_rate(config: TrainingConfig, progress: float, halvings: int) -> float:
    """The learning rate.

    Args:
        config: Peak rate, warm-up and schedule.
        progress: Share of all planned steps that are done, 0 … 1.
        halvings: How often dev has stalled; each halves the rate of the `plateau` schedule.
    """
    peak = config.learning_rate
    if progress < config.warmup:
        return peak * max(progress / config.warmup, 0.01)
    if config.schedule == "plateau":
        return peak * 0.5**halvings
    if config.schedule == "constant":
        return peak
    after = (progress - config.warmup) / max(1.0 - config.warmup, 1e-9)
    return peak * 0.5 * (1.0 + math.cos(math.pi * min(after, 1.0)))


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
