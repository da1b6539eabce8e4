"""The watch over a running GAN: what must stop a run."""

from __future__ import annotations

from tfgan_kit.errors import DivergedError
from tfgan_kit.gan import GAN

LOWEST_LOSS_SCALE = 1.0


def check_finite(gan: GAN, img_per_step: int) -> None:
    """Stop a run whose losses or gradients are no longer finite, or whose loss scale has collapsed.

    Args:
        gan: after some train steps.
        img_per_step: images a train step.

    Raises:
        DivergedError: with the step, the value and what to try.
    """
    steps = {name: int(step) for name, step in zip(gan.WATCHED, gan.first_nonfinite.numpy(), strict=True) if step >= 0}
    if steps:
        # The first value of the first step is the cause; what follows it is its consequence.
        name = min(steps, key=lambda key: steps[key])
        raise DivergedError(
            f"{name} was not finite at step {steps[name]} ({steps[name] * img_per_step / 1000:.1f} kimg); earlier "
            "checkpoints are kept: try a lower d_lr and g_lr, or a higher r1_gamma, with another --out"
        )
    if gan.loss_scaled:
        for prefix, optimizer in (("d", gan.d_optimizer), ("g", gan.g_optimizer)):
            scale = float(optimizer.dynamic_scale)
            if scale < LOWEST_LOSS_SCALE:
                raise DivergedError(
                    f"the loss scale of {prefix.upper()} fell to {scale:.3g} at step {int(gan.step)}: its gradients "
                    "stay infinite; try precision=mixed_bfloat16 or float32, or a lower learning rate"
                )
