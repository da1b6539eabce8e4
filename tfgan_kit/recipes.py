"""The recipes that come with the kit, one row each: what it is and what was measured. No TensorFlow here."""

from __future__ import annotations

from dataclasses import dataclass

from tfgan_kit.errors import RecipeError, nearest
from tfgan_kit.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class RecipeRow:
    """A named recipe and what is known of it.

    Attributes:
        recipe: the recipe itself.
        about: one line on what it is.
        source: what it reproduces.
        command: what was run for `result`.
        minutes: of training that this took on two x86-64 cores; None: it was not run to a result yet.
        result: what it reached; artifacts/gallery has its pictures and figures.
    """

    recipe: Recipe
    about: str
    source: str
    command: str
    minutes: float | None = None
    result: str = "not measured yet"


DEFAULT = "mnist"
# What own pictures are trained by where no recipe is named.
FOR_PICTURES = "pictures"

# Own pictures have no source until --data gives one.
_OWN = "folder:pictures"

RECIPES: dict[str, RecipeRow] = {
    "mnist": RecipeRow(
        about="digits from nothing in five minutes on two CPU cores",
        source="tfgan-kit",
        command="tfgan train mnist",
        minutes=4.7,
        result="124 kimg; Frechet distance 1.48 in mnist-cnn features (real test images: 0.57)",
        recipe=Recipe(
            minutes=4.7, z_dim=64, g_width=40, g_max_width=80, d_width=32, d_max_width=128,
            loss="nonsaturating", r1_gamma=0.5, g_lr=2e-3, d_lr=2e-3, beta1=0.0, beta2=0.99,
            lr_schedule="linear", lr_hold=0.5, ema_halflife_kimg=10.0,
        ),
    ),
    "pictures": RecipeRow(
        about="own pictures of any size, with augmentation for small sets",
        source="tfgan-kit",
        command=(
            "tfgan train pictures --data folder:characters64.zip --kimg 64 --set augment=diffaugment --set "
            "g_width=16 --set g_max_width=128 --set d_width=16 --set d_max_width=128 --set batch_size=16 --set "
            "ema_halflife_kimg=2"
        ),
        minutes=14.0,
        result="64 kimg; Frechet distance 113 in the characters' features (real 0.64), precision 0.04, recall 0.12",
        recipe=Recipe(
            data=_OWN, minutes=60, z_dim=128, g_width=32, g_max_width=256, d_width=32, d_max_width=256, batch_size=32,
            r1_gamma=1.0, augment="auto", mirror=True, g_lr=1e-3, d_lr=1e-3, beta1=0.0, beta2=0.99,
            lr_schedule="linear", lr_hold=0.5,
        ),
    ),
    "mlp-mnist": RecipeRow(
        about="a pair of perceptrons; uniform z",
        source="a perceptron GAN: 30,000 iterations of batch 120",
        command="tfgan train mlp-mnist --kimg 600",
        minutes=6.6,
        result="600 kimg; Frechet distance 60.9 in mnist-cnn features (real 0.57), precision 0.68, recall 0.15",
        recipe=Recipe(
            family="mlp", kimg=3600, conditional=False, z_dim=100, z_prior="uniform", g_leak=0.2, batch_size=120,
            ema_halflife_kimg=0.0, tick_kimg=24.0, preview_ticks=1, checkpoint_ticks=5,
        ),
    ),
    "keras-dcgan-mnist": RecipeRow(
        about="stride-1 transposed convolutions at full resolution, dropout in both; D's loss is the sum of its halves",
        source="a Keras DCGAN: 1,001 iterations of batch 32, a 5x5 grid each 100",
        command="tfgan train keras-dcgan-mnist --kimg 4.8",
        minutes=6.8,
        result="4.8 kimg; Frechet distance 113 in mnist-cnn features (real 0.57), precision 0.38, recall 0.12",
        recipe=Recipe(
            family="keras_dcgan", kimg=32.032, conditional=False, z_dim=100, g_dropout=0.25, d_dropout=0.25,
            norm_momentum=0.8, batch_size=32, ema_halflife_kimg=0.0, tick_kimg=3.2, preview_ticks=1,
            preview_grid=(5, 5), steps_per_call=10,
        ),
    ),
    "dcgan-mnist": RecipeRow(
        about="strided and transposed convolutions with batch norm in both",
        source="Radford et al. 2016",
        command="tfgan train dcgan-mnist --kimg 60",
        minutes=5.5,
        result="60 kimg; Frechet distance 101 in mnist-cnn features (real 0.57), precision 0.45, recall 0.27",
        recipe=Recipe(
            kimg=120, conditional=False, z_dim=100, init="normal", d_norm="batch", g_max_width=128, d_max_width=128,
            d_end_px=7, batch_size=128, ema_halflife_kimg=0.0, preview_ticks=1,
        ),
    ),
    "dcgan-64": RecipeRow(
        about="the same at 64x64, for colour pictures of one kind",
        source="Radford et al. 2016",
        command=(
            "tfgan train dcgan-64 --data folder:characters64.zip --kimg 24 --set g_width=16 --set "
            "g_max_width=128 --set d_width=16 --set d_max_width=128 --set batch_size=32 --set g_lr=5e-4 --set "
            "d_lr=5e-4 --set preview_ticks=1 --set tick_kimg=2"
        ),
        minutes=6.4,
        result="24 kimg; Frechet distance 228 in the characters' features (real 0.64), precision 0.02, recall 0.00",
        recipe=Recipe(
            data=_OWN, resolution=(64, 64), kimg=3000, conditional=False, z_dim=100, init="normal", kernel_px=5,
            g_width=128, g_max_width=1024, g_start_px=4, d_norm="batch", batch_size=128, ema_halflife_kimg=0.0,
        ),
    ),
    "minimax-mnist": RecipeRow(
        about="k steps of D, one of G, saturating loss; nonsaturating and half_cross_entropy with --set loss=",
        source="Goodfellow et al. 2014",
        command="tfgan train minimax-mnist --kimg 200",
        minutes=2.5,
        result="200 kimg; Frechet distance 111 in mnist-cnn features (real 0.57), precision 0.62, recall 0.03",
        recipe=Recipe(
            family="mlp", loss="minimax", d_steps=1, kimg=600, conditional=False, z_dim=100, z_prior="uniform",
            g_leak=0.2, d_dropout=0.3, batch_size=100, ema_halflife_kimg=0.0, tick_kimg=10.0, preview_ticks=6,
        ),
    ),
    "improved-mnist": RecipeRow(
        about="feature matching beside the loss, minibatch discrimination, one-sided smoothing, historical averaging",
        source="Salimans et al. 2016",
        command="tfgan train improved-mnist --kimg 30",
        minutes=1.9,
        result="30 kimg; Frechet distance 65.7 in mnist-cnn features (real 0.57), precision 0.59, recall 0.52",
        recipe=Recipe(
            kimg=120, conditional=False, z_dim=100, g_max_width=128, d_width=32, d_max_width=128,
            feature_matching=1.0, d_minibatch="discrimination", label_smoothing=0.1, historical_averaging=1e-4,
            g_lr=3e-4, d_lr=3e-4, ema_halflife_kimg=0.0,
        ),
    ),
    "alternating-mnist": RecipeRow(
        about="an epoch of D with G frozen, then one of G with D frozen; of 10,000 digits, so that turns are short",
        source="alternating training",
        command="tfgan train alternating-mnist --kimg 240",
        minutes=3.6,
        result="240 kimg; Frechet distance 193 in mnist-cnn features (real 1), precision 0.65, recall 0.00",
        recipe=Recipe(
            # R1 and what compares pictures keep D useful through an epoch against it; without them G finds noise.
            family="mlp", data="mnist:test", alternate_kimg=(10.0, 10.0), kimg=1200, conditional=False, z_dim=100,
            z_prior="uniform", g_leak=0.2, g_lr=1e-4, d_dropout=0.3, d_minibatch="discrimination", r1_gamma=1.0,
            batch_size=120, ema_halflife_kimg=0.0, tick_kimg=12.0, preview_ticks=5,
        ),
    ),
    "progressive-64": RecipeRow(
        about="resolution grown from 4 to 64 with faded-in layers",
        source="Karras et al. 2018: equalised rates, pixel norm, minibatch deviation, WGAN-GP",
        command=(
            "tfgan train progressive-64 --data folder:characters64.zip --kimg 16 --set fade_kimg=1.5 --set "
            "z_dim=128 --set g_width=16 --set g_max_width=64 --set d_width=16 --set d_max_width=64 --set "
            "preview_ticks=1 --set tick_kimg=2"
        ),
        minutes=23.8,
        result="16 kimg; Frechet distance 295 in the characters' features (real 0.64), precision 0.05, recall 0.01",
        recipe=Recipe(
            family="progressive", data=_OWN, resolution=(64, 64), conditional=False, kimg=12000, fade_kimg=600.0,
            z_dim=512, g_width=64, d_width=64, g_leak=0.2, loss="wasserstein", gp_lambda=10.0, drift_lambda=1e-3,
            batch_size=16, g_lr=1e-3, d_lr=1e-3, beta1=0.0, beta2=0.99,
        ),
    ),
    "anime-64": RecipeRow(
        about="several attributes on demand: residual blocks, pixel shuffle, DRAGAN, auxiliary classifier",
        source="Jin et al. 2017",
        command=(
            "tfgan train anime-64 --data folder:characters64.zip#hair_color,skin_color,glasses,earrings "
            "--resolution 32x32 --minutes 12 --set g_width=32 --set g_blocks=4 --set g_start_px=8 --set "
            "d_width=16 --set d_max_width=64 --set d_end_px=4 --set d_blocks=1 --set batch_size=32 --set "
            "z_dim=64 --set auxiliary=1 --set g_lr=1e-3 --set d_lr=1e-3"
        ),
        minutes=12.0,
        result=(
            "23 kimg; Frechet distance 122 in the characters' features (real 0.7), precision 0.13, recall 0.00; "
            "hair colour as asked 66% (chance 8.5%), skin colour 94% (27%)"
        ),
        recipe=Recipe(
            family="srresnet", data=_OWN, resolution=(64, 64), conditional=True, condition="auxiliary", kimg=3000,
            z_dim=128, g_blocks=16, g_start_px=16, d_width=32, d_max_width=1024, d_end_px=2, d_blocks=2,
            # The paper's 0.5 and 1 beside an adversarial weight of 34, which is its number of attributes.
            dragan_lambda=0.5 / 34, auxiliary=0.25, batch_size=64,
        ),
    ),
    "wgan-gp-mnist": RecipeRow(
        about="Wasserstein loss with gradient penalty, five steps of D",
        source="Gulrajani et al. 2017",
        command="tfgan train wgan-gp-mnist --kimg 40 --set d_steps=2 --set g_lr=1e-3 --set d_lr=1e-3",
        minutes=3.9,
        result="40 kimg; Frechet distance 64.8 in mnist-cnn features (real 0.57), precision 0.39, recall 0.56",
        recipe=Recipe(
            kimg=300, conditional=False, z_dim=128, g_max_width=128, d_width=32, d_max_width=128,
            loss="wasserstein", gp_lambda=10.0, d_steps=5, g_lr=1e-4, d_lr=1e-4, beta1=0.0, beta2=0.9,
            ema_halflife_kimg=0.0,
        ),
    ),
    "sngan-32": RecipeRow(
        about="residual pair at 32x32 with spectral norm and hinge loss; on digits, or --data tfds:cifar10",
        source="Miyato et al. 2018",
        command=(
            "tfgan train sngan-32 --kimg 40 --set g_width=32 --set g_max_width=32 --set d_width=32 --set "
            "d_max_width=32 --set d_steps=2 --set g_lr=5e-4 --set d_lr=5e-4"
        ),
        minutes=9.3,
        result="40 kimg; Frechet distance 81.2 in mnist-cnn features (real 0.53), precision 0.46, recall 0.31",
        recipe=Recipe(
            family="resnet", resolution=(32, 32), conditional=False, kimg=3200, z_dim=128, g_width=256,
            g_max_width=256, g_start_px=4, d_width=128, d_max_width=128, d_end_px=8, d_blocks=2, d_leak=0.0,
            d_spectral_norm=True, loss="hinge", d_steps=5, g_lr=2e-4, d_lr=2e-4, beta1=0.0, beta2=0.9,
            ema_halflife_kimg=0.0, lr_schedule="linear", lr_hold=0.0,
        ),
    ),
    "lsgan-mnist": RecipeRow(
        about="least squares in place of cross-entropy",
        source="Mao et al. 2017",
        command="tfgan train lsgan-mnist --kimg 30",
        minutes=3.5,
        result="30 kimg; Frechet distance 176 in mnist-cnn features (real 0.57), precision 0.42, recall 0.02",
        recipe=Recipe(
            kimg=120, conditional=False, z_dim=100, g_max_width=128, d_max_width=128, d_end_px=7, d_norm="batch",
            loss="least_squares", ema_halflife_kimg=0.0,
        ),
    ),
    "style-64": RecipeRow(
        about="style-based generator: mapping, modulated convolutions, skip outputs, truncation",
        source="Karras et al. 2020 (StyleGAN2)",
        command=(
            "tfgan train style-64 --data folder:characters64.zip --kimg 16 --set g_width=16 --set g_max_width=64 "
            "--set d_width=16 --set d_max_width=64 --set z_dim=64 --set batch_size=16 --set ema_halflife_kimg=1"
        ),
        minutes=22.5,
        result="16 kimg; Frechet distance 187 in the characters' features (real 0.77), precision 0.06, recall 0.05",
        recipe=Recipe(
            family="style", data=_OWN, resolution=(64, 64), conditional=False, kimg=5000, z_dim=128, g_mapping=4,
            g_width=64, g_max_width=256, g_start_px=4, g_leak=0.2, d_width=64, d_max_width=256, d_minibatch="stddev",
            r1_gamma=1.0, path_lambda=2.0, lazy_every=16, batch_size=32, g_lr=2e-3, d_lr=2e-3, beta1=0.0, beta2=0.99,
            mirror=True,
        ),
    ),
    "r3gan-mnist": RecipeRow(
        about="plain residual pair, relativistic loss, R1 and R2",
        source="Huang et al. 2024 (R3GAN)",
        command=(
            "tfgan train r3gan-mnist --kimg 8 --set g_width=16 --set g_max_width=32 --set d_width=16 --set "
            "d_max_width=32 --set batch_size=32"
        ),
        minutes=2.6,
        result="8.0 kimg; Frechet distance 130 in mnist-cnn features (real 0.57), precision 0.34, recall 0.24",
        recipe=Recipe(
            family="r3gan", kimg=100, conditional=False, z_dim=64, g_width=32, g_max_width=128, d_width=32,
            d_max_width=128, g_leak=0.2, loss="relativistic", r1_gamma=1.0, r2_gamma=1.0, g_lr=1e-3, d_lr=1e-3,
            beta1=0.0, beta2=0.99, lr_schedule="linear",
        ),
    ),
    "r3gan-64": RecipeRow(
        about="the same at 64x64",
        source="Huang et al. 2024 (R3GAN)",
        command=(
            "tfgan train r3gan-64 --data folder:characters64.zip --kimg 12 --set g_width=16 --set g_max_width=64 "
            "--set d_width=16 --set d_max_width=64 --set batch_size=16 --set g_lr=5e-4 --set d_lr=5e-4 --set "
            "ema_halflife_kimg=1"
        ),
        minutes=20.0,
        result="12 kimg; Frechet distance 389 in the characters' features (real 0.64), precision 0.06, recall 0.01",
        recipe=Recipe(
            family="r3gan", data=_OWN, resolution=(64, 64), conditional=False, kimg=5000, z_dim=64, g_start_px=4,
            g_width=64, g_max_width=256, d_width=64, d_max_width=256, g_leak=0.2, loss="relativistic",
            r1_gamma=1.0, r2_gamma=1.0, batch_size=64, g_lr=2e-4, d_lr=2e-4, beta1=0.0, beta2=0.99, mirror=True,
        ),
    ),
    "cond-mnist": RecipeRow(
        about="the digit on demand, by an auxiliary classifier",
        source="Odena et al. 2017 (AC-GAN)",
        command="tfgan train cond-mnist --kimg 60",
        minutes=4.1,
        result=(
            "60 kimg; Frechet distance 4.52 in mnist-cnn features (real 0.57), precision 0.71, recall 0.62; "
            "98.6% the digit asked for"
        ),
        recipe=Recipe(
            kimg=120, conditional=True, condition="auxiliary", z_dim=64, g_width=40, g_max_width=80, d_width=32,
            d_max_width=128, r1_gamma=0.5, g_lr=2e-3, d_lr=2e-3, beta1=0.0, beta2=0.99, lr_schedule="linear",
        ),
    ),
    "stacked-mnist": RecipeRow(
        about="three digits in one picture, red, green and blue: 1,000 modes to find; recipe mnist, without labels",
        source="Metz et al. 2017, Srivastava et al. 2017",
        command="tfgan train stacked-mnist --kimg 100",
        minutes=5.4,
        result=(
            "100 kimg; 964 of 1,000 modes in 10,000 samples; Frechet distance 180 in mnist-cnn-rgb features "
            "(real 3.6), precision 0.41, recall 0.13"
        ),
        recipe=Recipe(
            data="stacked-mnist", minutes=30, conditional=False, z_dim=64, g_width=40, g_max_width=80, d_width=32,
            d_max_width=128, r1_gamma=0.5, g_lr=2e-3, d_lr=2e-3, beta1=0.0, beta2=0.99, lr_schedule="linear",
            tick_kimg=16.0,
        ),
    ),
}  # fmt: skip


def recipe_row(name: str) -> RecipeRow:
    """The row called `name`.

    Raises:
        RecipeError: there is none; the message names the nearest.
    """
    if name not in RECIPES:
        if ":" in name:
            raise RecipeError(f"unknown recipe {name!r}: a data source is given as --data {name}")
        raise RecipeError(f"unknown recipe {name!r}: {nearest(name, RECIPES)}")
    return RECIPES[name]
