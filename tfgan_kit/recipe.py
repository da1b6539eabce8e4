"""A recipe: everything that decides what a training run computes, as a frozen dataclass. No TensorFlow here.

Every field carries its unit and meaning, which `tfgan recipes NAME` prints, and its legal values, which are checked
when a recipe is made. So a `Recipe` that exists is legal in itself; whether it fits the data is checked on loading.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfgan_kit.conflicts import check_conflicts
from tfgan_kit.errors import RecipeError, nearest
from tfgan_kit.fields import checked, parsed, setting

FAMILIES = ("dcgan", "mlp", "keras_dcgan", "resnet", "srresnet", "progressive", "style", "r3gan")
LOSSES = (
    "minimax", "nonsaturating", "half_cross_entropy", "least_squares", "hinge", "wasserstein", "relativistic",
    "relativistic_average",
)  # fmt: skip
OPTIMIZERS = ("adam", "rmsprop", "sgd")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
SCHEDULES = ("constant", "linear", "cosine")
PRIORS = ("normal", "uniform", "spherical")
FITS = ("crop", "pad", "stretch")
NORMS = ("batch", "instance", "group", "pixel", "none")
INITS = ("glorot", "normal", "orthogonal", "he")
UPS = ("transposed", "pixel_shuffle", "resize")
DOWNS = ("strided", "average_pool")
MINIBATCHES = ("none", "stddev", "discrimination")
CONDITIONS = ("projection", "auxiliary")
AUGMENTS = ("none", "diffaugment", "ada", "auto")
AUGMENT_OPS = ("all", "colour", "geometry")
SWAPS = ("none", "d", "g", "both")
ON_FAILURE = ("continue", "stop", "rollback")
BEST = ("frechet", "kernel", "precision", "recall", "density", "coverage")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a run trains, on what, how and for how long."""

    # Data
    data: str = setting(
        "mnist",
        "data source: mnist[:test|:all], stacked-mnist[:test], folder:PATH[#COLUMN[,COLUMN...]], npz:PATH, idx:PATH, "
        "tfds:NAME[@SPLIT] or records:PATH of a prepared set",
    )
    resolution: tuple[int, int] | None = setting(None, "height and width, px; none: the data's own", low=4, high=1024)
    channels: int | None = setting(None, "1 grey, 3 RGB; none: the data's own", choices=(1, 3))
    fit: str = setting("crop", "how a picture of another shape gets to the resolution", choices=FITS)
    crop: tuple[int, int] | None = setting(
        None, "window that is cut of each picture, height and width, px, at a place drawn anew each time; none: all",
        low=4, high=1024,
    )  # fmt: skip
    mirror: bool = setting(False, "show each picture mirrored left to right half of the time")
    conditional: bool | None = setting(None, "train on the class labels; none: yes where the data has them")
    memory_mb: int = setting(2048, "MiB of uint8 pictures held in memory; larger data is streamed", low=0)

    # Networks
    family: str = setting("dcgan", "network family of G and D", choices=FAMILIES)
    z_dim: int = setting(100, "length of z", low=1, high=4096)
    z_prior: str = setting("normal", "distribution of z", choices=PRIORS)
    condition: str = setting("projection", "how classes reach D: by projection, or D classifies", choices=CONDITIONS)
    init: str = setting("glorot", "distribution of the initial weights; normal is N(0, 0.02)", choices=INITS)
    kernel_px: int = setting(4, "side of the convolution kernels, px (family dcgan)", low=2, high=9)
    norm_momentum: float = setting(0.9, "share kept of batch norm's moving statistics, per step", low=0, high=1)
    g_width: int = setting(64, "G's channels before the last layer; doubled at each halving of the resolution", low=1)
    g_max_width: int = setting(512, "upper bound of G's channels", low=1)
    g_start_px: int = setting(7, "G's smallest map has at most this shorter side, px; the others double from it", low=2)
    g_hidden: tuple[int, ...] = setting((256, 512, 1024), "units of G's dense layers (family mlp)", low=1)
    g_blocks: int = setting(1, "residual blocks of G: at each resolution (r3gan), in a row (srresnet)", low=1, high=64)
    g_mapping: int = setting(4, "dense layers from z to w (family style)", low=1, high=16)
    g_norm: str = setting("batch", "normalisation in G, not at its output", choices=NORMS)
    g_leak: float = setting(0.0, "slope of G's LeakyReLU for negative values; 0: ReLU", low=0, high=1)
    g_up: str = setting("transposed", "how G doubles a map; resize is followed by a convolution", choices=UPS)
    g_spectral_norm: bool = setting(False, "divide G's kernels by their largest singular value")
    g_attention_px: int = setting(0, "side of the map of G that gets self-attention, px; 0: none", low=0)
    g_noise: float = setting(0.0, "deviation of the noise added in every layer of G", low=0)
    g_dropout: float = setting(0.0, "share of units dropped in every layer of G", low=0, high=0.95)
    g_random_in_use: bool = setting(False, "keep G's noise and dropout when pictures are drawn; the seed decides them")
    d_width: int = setting(64, "D's channels after the first layer; doubled at each halving of the resolution", low=1)
    d_max_width: int = setting(512, "upper bound of D's channels", low=1)
    d_end_px: int = setting(4, "D's smallest map has at most this shorter side, px; the others halve down to it", low=2)
    d_hidden: tuple[int, ...] = setting((512, 256), "units of D's dense layers (family mlp); () is a linear D", low=1)
    d_blocks: int = setting(1, "residual blocks of D at each resolution; on the last map (resnet)", low=1, high=64)
    d_norm: str = setting("none", "normalisation in D, not at its input", choices=NORMS)
    d_leak: float = setting(0.2, "slope of D's LeakyReLU for negative values", low=0, high=1)
    d_down: str = setting("strided", "how D halves a map: strided convolution, or average pooling", choices=DOWNS)
    d_spectral_norm: bool = setting(False, "divide D's kernels by their largest singular value")
    d_attention_px: int = setting(0, "side of the map of D that gets self-attention, px; 0: none", low=0)
    d_dropout: float = setting(0.0, "share of units dropped in every layer of D", low=0, high=0.95)
    d_minibatch: str = setting("none", "what D compares within a batch", choices=MINIBATCHES)
    fade_kimg: float = setting(40.0, "kimg over which a resolution fades in, then holds (family progressive)", above=0)

    # Objective
    loss: str = setting("nonsaturating", "adversarial loss", choices=LOSSES)
    g_adversarial: float = setting(1.0, "weight of the adversarial loss in G's; 0: feature matching alone", low=0)
    feature_matching: float = setting(0.0, "weight of feature matching in G's loss; 0: off", low=0)
    auxiliary: float = setting(1.0, "weight of the classifier's loss (condition auxiliary)", low=0)
    r1_gamma: float = setting(0.0, "weight of R1, gamma / 2 E |grad D(real)|^2; 0: off", low=0)
    r2_gamma: float = setting(0.0, "weight of R2, gamma / 2 E |grad D(fake)|^2; 0: off", low=0)
    gp_lambda: float = setting(0.0, "weight of the gradient penalty, lambda E (|grad D(mix)| - 1)^2; 0: off", low=0)
    dragan_lambda: float = setting(0.0, "weight of DRAGAN's gradient penalty, around the real pictures; 0: off", low=0)
    drift_lambda: float = setting(0.0, "weight of E D(real)^2, which keeps D's outputs near 0; 0: off", low=0)
    path_lambda: float = setting(0.0, "weight of G's path length regularisation; 0: off", low=0)
    lazy_every: int = setting(1, "steps between two uses of R1, R2 and path length, each weighted as often", low=1)
    lecam_lambda: float = setting(0.0, "weight of the LeCam regularisation of D; 0: off", low=0)
    bcr_lambda: float = setting(0.0, "weight of D's consistency under DiffAugment, real and fake; 0: off", low=0)
    g_orthogonal: float = setting(0.0, "weight of the orthogonal regularisation of G; 0: off", low=0)
    d_orthogonal: float = setting(0.0, "weight of the orthogonal regularisation of D; 0: off", low=0)
    weight_clip: float = setting(0.0, "bound of D's weights after each of its steps; 0: off", low=0)

    # Small data
    augment: str = setting(
        "none", "augmentation of all that D is shown, real and fake; auto: as few pictures need it", choices=AUGMENTS
    )
    augment_ops: str = setting("all", "which augmentations (augment, bcr_lambda)", choices=AUGMENT_OPS)
    ada_target: float = setting(0.6, "E sign D(real) that ADA's strength is steered to", low=-1, high=1)
    ada_kimg: float = setting(100.0, "kimg in which ADA's strength can rise from 0 to 1", above=0)
    ada_max: float = setting(0.8, "upper bound of ADA's strength, so that augmentations do not leak", low=0, high=1)

    # Stabilisers
    d_steps: int = setting(1, "steps of D before each step of G", low=1, high=100)
    pretrain_d_kimg: float = setting(0.0, "kimg of D alone before G begins", low=0)
    alternate_kimg: tuple[float, float] | None = setting(
        None, "kimg of D alone, then kimg of G alone, in turns; none: both in every step", above=0
    )
    label_smoothing: float = setting(0.0, "one-sided: D's target for real pictures is 1 minus this", low=0, high=1)
    real_labels: tuple[float, float] | None = setting(None, "range that D's targets for real are drawn from; none: 1")
    fake_labels: tuple[float, float] | None = setting(None, "range that D's targets for fake are drawn from; none: 0")
    label_flips: float = setting(0.0, "share of D's targets that are exchanged, real for fake", low=0, high=1)
    instance_noise: float = setting(0.0, "deviation of the noise on all that D is shown, at the start", low=0)
    instance_noise_until: float = setting(1.0, "share of the run at which that noise has decayed to 0", above=0, high=1)
    replay_images: int = setting(0, "past fakes kept to be shown to D again; 0: off", low=0)
    replay_share: float = setting(0.5, "share of D's fakes that are past ones (replay_images)", above=0, high=1)
    swap: str = setting("none", "network that is swapped for its past self now and then", choices=SWAPS)
    swap_every_kimg: float = setting(20.0, "kimg between two swaps; the past self is one such span old", above=0)
    swap_steps: int = setting(10, "steps that a swap lasts", low=1)
    historical_averaging: float = setting(
        0.0, "weight of |weights - mean of past weights|^2, in G and D; 0: off", low=0
    )

    # Optimisation
    batch_size: int = setting(64, "pictures a step, of all replicas together", low=1)
    accumulate: int = setting(1, "parts of a batch that are computed one after the other, to take less memory", low=1)
    g_optimizer: str = setting("adam", "optimizer of G", choices=OPTIMIZERS)
    d_optimizer: str = setting("adam", "optimizer of D", choices=OPTIMIZERS)
    g_lr: float = setting(2e-4, "learning rate of G", above=0)
    d_lr: float = setting(2e-4, "learning rate of D", above=0)
    beta1: float = setting(0.5, "Adam's decay of the gradient's mean; SGD's momentum", low=0, high=0.9999)
    beta2: float = setting(0.999, "Adam's and RMSprop's decay of the gradient's square", low=0, high=0.999999)
    lr_schedule: str = setting("constant", "what the learning rates do after `lr_hold`, down to 0", choices=SCHEDULES)
    lr_hold: float = setting(0.5, "share of the run at the full learning rates", low=0, high=1)
    lr_warmup_kimg: float = setting(0.0, "kimg over which the learning rates rise from 0", low=0)
    ema_halflife_kimg: float = setting(10.0, "half-life of G's moving average, kimg; 0: the last G", low=0)
    ema_rampup: float = setting(0.05, "the half-life is at most this share of the images seen; 0: no ramp", low=0)

    # Execution
    precision: str = setting("float32", "dtype policy of the networks", choices=PRECISIONS)
    jit: bool = setting(True, "compile the train step with XLA")
    steps_per_call: int = setting(16, "train steps in one compiled call", low=1)
    seed: int = setting(0, "seed of every random draw", low=0, high=2**31 - 1)

    # Length and records
    kimg: float | None = setting(None, "length of the run, kimg (one of kimg and minutes)", above=0)
    minutes: float | None = setting(None, "length of the run, minutes of training (one of kimg and minutes)", above=0)
    tick_kimg: float = setting(4.0, "kimg between two lines of statistics", above=0)
    preview_ticks: int = setting(2, "ticks between two previews", low=1)
    checkpoint_ticks: int = setting(2, "ticks between two checkpoints", low=1)
    checkpoints_kept: int = setting(2, "checkpoints kept", low=2)
    preview_grid: tuple[int, int] = setting((8, 10), "rows and columns of a preview", low=1, high=32)

    # Evaluation
    evaluate_kimg: float = setting(0.0, "kimg between two evaluations of samples; 0: none", low=0)
    evaluate_samples: int = setting(2000, "samples an evaluation", low=10)
    extractor: str | None = setting(None, "network of the features, see tfgan evaluate; none: by the data")
    keep_best: str = setting("frechet", "figure by which the best checkpoint is kept", choices=BEST)

    # Watch
    on_failure: str = setting("continue", "what to do when training fails, see tfgan doctor", choices=ON_FAILURE)
    rollbacks: int = setting(3, "rollbacks of a run; each halves the learning rates (on_failure rollback)", low=1)
    watch_ticks: int = setting(3, "ticks in a row that something must be wrong to be told", low=1)
    watch_from_kimg: float = setting(
        10.0, "kimg before which nothing is told but gradients that explode: all runs begin flat and alike", low=0
    )
    watch_d_loss: float = setting(
        0.02, "D has won below this share of the loss of a D that cannot tell; 0: not watched", low=0, high=1
    )
    watch_accuracy: float = setting(
        0.99, "D's accuracy is pinned above this, or below 1 minus this; 1: not watched", low=0.5, high=1
    )
    watch_chance: float = setting(
        0.02, "D only guesses while its accuracy has been this near to a half since the start; 0: not watched", low=0,
        high=0.5,
    )  # fmt: skip
    watch_grad_norm: float = setting(
        100.0, "gradients are large above this norm, and explode above 10 times this; 0: not watched", low=0
    )
    watch_deviation: float = setting(
        1.5, "D's loss jumps above this deviation, in units of the loss of a D that cannot tell; 0: not watched", low=0
    )
    watch_g_fall: float = setting(0.1, "fall of G's loss that samples should show, as a share of it", above=0)
    watch_change: float = setting(
        0.01, "change of samples in a tick, of that between real pictures, which counts as none; 0: not watched", low=0
    )
    watch_contrast: float = setting(0.05, "samples are flat below this share of the real contrast", low=0, high=1)
    watch_grey: float = setting(0.02, "samples are saturated below this share of the real grey values", low=0, high=1)
    watch_variety: float = setting(
        0.05, "samples are alike below this share of the real variance between pictures", low=0, high=1
    )
    watch_nearest: float = setting(
        0.1, "samples repeat below this share of the real distance to the most similar picture", low=0, high=1
    )
    watch_loss_scale: float = setting(64.0, "a loss scale below this is falling too far; 0: not watched", low=0)
    watch_ada_p: float = setting(0.75, "ADA's strength from which it may show; 1: not watched", low=0, high=1)

    def __post_init__(self) -> None:
        """Check every field, and those that go together."""
        for field in dataclasses.fields(self):
            object.__setattr__(self, field.name, checked(field, getattr(self, field.name)))
        check_conflicts(self)
        if (self.kimg is None) == (self.minutes is None):
            raise RecipeError(
                f"a run's length is either kimg or minutes; got kimg={self.kimg}, minutes={self.minutes}: "
                "set exactly one"
            )
        for name in ("real_labels", "fake_labels"):
            ends = getattr(self, name)
            if ends is not None and ends[0] > ends[1]:
                raise RecipeError(f"{name} must go from lower to higher; got {ends[0]:g},{ends[1]:g}")
        for name, width, highest in (("g", self.g_width, self.g_max_width), ("d", self.d_width, self.d_max_width)):
            if width > highest:
                raise RecipeError(
                    f"{name}_width must be at most {name}_max_width; got {width} and {highest}: "
                    "lower the first or raise the second"
                )

    def replace(self, **changes: Any) -> Recipe:
        """This recipe with some fields changed; setting one of kimg and minutes clears the other.

        Raises:
            RecipeError: an unknown field or an illegal value.
        """
        for name in changes:
            field_named(name)
        if changes.get("kimg") is not None and "minutes" not in changes:
            changes["minutes"] = None
        if changes.get("minutes") is not None and "kimg" not in changes:
            changes["kimg"] = None
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """All fields, tuples as lists."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in vars(self).items()}

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Recipe:
        """The recipe that `to_json` wrote.

        Raises:
            RecipeError: an unknown field or an illegal value.
        """
        for name in fields:
            field_named(name)
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        return cls(**values)

    def digest(self) -> str:
        """12 hex digits that change with any field."""
        import hashlib

        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()[:12]

    def differences(self, other: Recipe) -> dict[str, tuple[Any, Any]]:
        """Fields whose value differs: name -> (own, other's)."""
        pairs = {name: (value, getattr(other, name)) for name, value in vars(self).items()}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def field_named(name: str) -> dataclasses.Field[Any]:
    """The recipe field called `name`.

    Raises:
        RecipeError: there is none.
    """
    fields = {field.name: field for field in dataclasses.fields(Recipe)}
    if name not in fields:
        # More than a hundred legal names say less than the command that explains them.
        hint = nearest(name, fields).partition("legal: ")[0]
        raise RecipeError(f"unknown recipe field {name!r}: {hint}`tfgan recipes mnist` shows all {len(fields)}")
    return fields[name]


def parse_assignment(text: str) -> tuple[str, Any]:
    """`"r1_gamma=0.5"` -> `("r1_gamma", 0.5)`.

    Several numbers are written 256,512 or 64x48; one number stands for both of a pair; `none` is None.

    Raises:
        RecipeError: no `=`, an unknown field, or a value that is not of the field's type.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise RecipeError(f"--set takes key=value; got {text!r}")
    field = field_named(name.strip())
    return field.name, parsed(field, value.strip())


def parse_resolution(text: str) -> tuple[int, int]:
    """`"64x48"` -> (height 64, width 48); `"64"` is square.

    Raises:
        RecipeError: not one or two whole numbers.
    """
    parts = text.lower().split("x")
    if len(parts) > 2 or not all(part.isdecimal() for part in parts):
        raise RecipeError(f"a resolution is HEIGHTxWIDTH in px, for example 64x64; got {text!r}")
    height, width = int(parts[0]), int(parts[-1])
    return height, width
