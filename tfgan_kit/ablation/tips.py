"""The 17 tips of "how to train a GAN", and which switches stand for them. No TensorFlow here.

Source: Chintala, Denton, Arjovsky and Mathieu, "How to train a GAN? Tips and tricks to make GANs work" (2016).
"""

from __future__ import annotations

from typing import NamedTuple

from tfgan_kit.ablation.switches import Switch, parse_switch
from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe


class Tip(NamedTuple):
    """One tip.

    Attributes:
        about: what it says.
        switches: that stand for it, as typed.
        instead: why there is no switch; "" where there is one.
    """

    about: str
    switches: tuple[str, ...] = ()
    instead: str = ""


TIPS: dict[int, Tip] = {
    1: Tip("pictures in [-1, 1], tanh at G's end", instead="always so, in every family"),
    2: Tip("another loss for G than the saturating one", ("loss",)),
    3: Tip("z from a sphere or normal, not uniform", ("z_prior",)),
    4: Tip("batch norm, real and fake in batches of their own", ("g_norm", "d_norm")),
    5: Tip("no sparse gradients: leaky ReLU in both", ("g_leak", "d_leak")),
    6: Tip(
        "soft and noisy labels", ("label_smoothing", "real_labels=0.7,1.2+fake_labels=0,0.3", "label_flips")
    ),
    7: Tip("a convolutional pair, the DCGAN", ("family",)),
    8: Tip("past fakes and past networks", ("replay_images", "swap")),
    9: Tip("Adam for G, SGD for D", ("d_optimizer",)),
    10: Tip("watch for failure early", instead="always so: stats.jsonl; it changes no training"),
    11: Tip("do not balance the two by their losses", instead="nothing here does"),
    12: Tip("use labels where there are any", ("conditional",)),
    13: Tip("noise on D's inputs that decays, noise in G", ("instance_noise", "g_noise")),
    14: Tip("train D more", ("d_steps",)),
    15: Tip("compare the pictures of a batch", ("d_minibatch",)),
    16: Tip("classes through an embedding", instead="always so where there are classes: see tip 12"),
    17: Tip("dropout in G, in training and in use", ("g_dropout",)),
}  # fmt: skip


def tip_switches(recipe: Recipe) -> tuple[list[Switch], list[str]]:
    """The switches of all tips.

    Args:
        recipe: the baseline, of the length that it will be trained for.

    Returns:
        The switches that the recipe takes, and a line for each tip or switch that is left out.
    """
    switches, notes = [], []
    for number, tip in TIPS.items():
        if tip.instead:
            notes.append(f"tip {number}, {tip.about}: {tip.instead}")
        for text in tip.switches:
            try:
                switch = parse_switch(text, recipe, tip=number)
                switch.apply(recipe)
            except RecipeError as error:
                notes.append(f"tip {number}, {tip.about}: left out, {error}")
            else:
                switches.append(switch)
    return switches, notes
