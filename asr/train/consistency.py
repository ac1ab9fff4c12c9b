"""Consistency: a model should hear the same words in two views of an utterance, whatever is hidden in either.

Each view learns what the other one hears, frame by frame (Yao et al., "CR-CTC: Consistency regularization on
CTC for improved speech recognition", ICLR 2025). Where a view hides something, the other one tells what stood
there; and as no view may be surer than both agree on, peaks grow less sharp.
"""

from __future__ import annotations

from torch import Tensor

from asr.model.recurrent import frame_mask


def disagreement(log_probs: Tensor, lengths: Tensor) -> Tensor:
    """How differently two views of each utterance are heard.

    With p and q the emissions of the two views, the sum over frames of KL(q || p) + KL(p || q), in nats;
    what stands first is held fixed, so each view moves towards the other one.

    Args:
        log_probs: Emissions (2 N, S, V); rows 2 i and 2 i + 1 are views of one utterance, and as long.
        lengths: Emission frames (2 N,).

    Returns:
        The sum over utterances, a scalar that can be differentiated.
    """
    ours, others = log_probs[0::2], log_probs[1::2]
    apart = _divergence(others.detach(), ours) + _divergence(ours.detach(), others)
    heard = frame_mask(lengths[0::2], log_probs.shape[1]).to(apart.device)
    return apart.masked_fill(~heard, 0.0).sum()


def _divergence(fixed: Tensor, log_probs: Tensor) -> Tensor:
    """KL(fixed || other) of each frame (N, S), from log probabilities (N, S, V)."""
    return (fixed.exp() * (fixed - log_probs)).sum(-1)
