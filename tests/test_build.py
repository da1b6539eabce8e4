import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit import penalties, recipe
from tfgan_kit.build import FAMILIES, build_discriminator, build_gan, build_generator
from tfgan_kit.losses import LOSSES
from tfgan_kit.penalties import Penalty

SHAPE = (9, 8, 3)


def layer_names(model):
    return [layer.name for layer in model.layers]


def test_the_registry_is_the_recipe_s():
    assert sorted(FAMILIES) == sorted(recipe.FAMILIES)


@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize("family", recipe.FAMILIES)
def test_every_family_is_built_at_the_data_s_shape_and_classes(tiny_recipe, family, num_classes):
    gan = build_gan(tiny_recipe.replace(family=family, z_dim=6), SHAPE, num_classes)
    assert gan.conditional == bool(num_classes)
    for model in (gan.G, gan.G_ema):
        assert [tuple(x.shape) for x in model.inputs] == [(None, 6)] + [(None,)] * bool(num_classes)
        assert model.output.shape == (None, *SHAPE)
    assert gan.D.inputs[0].shape == (None, *SHAPE)
    assert gan.D.output.shape == (None,)


def test_every_field_of_the_networks_reaches_them(tiny_recipe):
    base = tiny_recipe.replace(g_norm="batch", d_norm="batch", g_max_width=64, d_max_width=64)
    sizes = {"shape": (16, 16, 1), "num_classes": 3}

    def described(changed, build):
        model = build(changed, **sizes)
        return [layer.get_config() | {"dtype": layer.dtype_policy.name} for layer in model.layers]

    g_fields = {
        "z_dim": 9, "g_width": 6, "g_max_width": 5, "g_start_px": 8, "g_norm": "none", "g_leak": 0.3, "kernel_px": 5,
        "norm_momentum": 0.5, "precision": "mixed_bfloat16", "seed": 7,
    }  # fmt: skip
    d_fields = {
        "d_width": 6, "d_max_width": 5, "d_end_px": 8, "d_norm": "none", "d_leak": 0.3, "kernel_px": 5,
        "norm_momentum": 0.5, "precision": "mixed_bfloat16", "seed": 7,
    }  # fmt: skip
    for build, fields in ((build_generator, g_fields), (build_discriminator, d_fields)):
        plain = described(base, build)
        assert described(base, build) == plain
        for name, value in fields.items():
            assert described(base.replace(**{name: value}), build) != plain, name
    perceptrons = base.replace(family="mlp")
    for build, name in ((build_generator, "g_hidden"), (build_discriminator, "d_hidden")):
        assert described(perceptrons.replace(**{name: (5, 6)}), build) != described(perceptrons, build)


@pytest.mark.parametrize("build", [build_generator, build_discriminator])
def test_the_dtype_overrides_the_precision_and_keeps_the_weights(tiny_recipe, build):
    mixed = tiny_recipe.replace(precision="mixed_float16")
    half, full = build(mixed, shape=SHAPE, num_classes=0), build(mixed, shape=SHAPE, num_classes=0, dtype="float32")
    assert "float16" in {layer.compute_dtype for layer in half.layers}
    assert {layer.compute_dtype for layer in full.layers} == {"float32"}
    assert layer_names(half) == layer_names(full)
    for one, other in zip(half.get_weights(), full.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_optimizers_are_those_of_the_recipe(tiny_recipe):
    gan = build_gan(
        tiny_recipe.replace(
            family="mlp", g_optimizer="adam", d_optimizer="rmsprop", g_lr=0.1, d_lr=0.3, beta1=0.25, beta2=0.75
        ),
        SHAPE,
    )  # fmt: skip
    assert isinstance(gan.g_optimizer, keras.optimizers.Adam)
    assert isinstance(gan.d_optimizer, keras.optimizers.RMSprop)
    assert (gan.g_optimizer.beta_1, gan.g_optimizer.beta_2, gan.d_optimizer.rho) == (0.25, 0.75, 0.75)
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(0.1)
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(0.3)
    sgd = build_gan(tiny_recipe.replace(family="mlp", g_optimizer="sgd", beta1=0.25), SHAPE).g_optimizer
    assert isinstance(sgd, keras.optimizers.SGD)
    assert sgd.momentum == 0.25


@pytest.mark.parametrize("loss", recipe.LOSSES)
def test_the_objective_is_the_recipe_s(tiny_recipe, loss):
    gan = build_gan(tiny_recipe.replace(family="mlp", loss=loss, d_steps=3), SHAPE)
    assert gan.adversarial == LOSSES[loss]
    assert gan.d_steps == 3
    assert gan.penalties == ()


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("r1_gamma", Penalty("r1", 1.5, penalties.at_real, penalties.zero_centred)),
        ("r2_gamma", Penalty("r2", 1.5, penalties.at_fake, penalties.zero_centred)),
        ("gp_lambda", Penalty("gp", 3.0, penalties.at_mix, penalties.one_centred)),
    ],
)
def test_a_penalty_is_there_exactly_if_it_has_a_weight(tiny_recipe, field, expected):
    (penalty,) = build_gan(tiny_recipe.replace(**{"family": "mlp", field: 3.0}), SHAPE).penalties
    assert penalty == expected


def test_the_rest_of_the_recipe_reaches_the_gan(tiny_recipe):
    gan = build_gan(
        tiny_recipe.replace(
            family="mlp", kimg=2.5, ema_halflife_kimg=3.0, ema_rampup=0.5, z_prior="uniform", seed=9, jit=True,
            lr_schedule="cosine", lr_hold=0.0, lr_warmup_kimg=1.0,
        ),
        SHAPE,
    )  # fmt: skip
    assert (gan.total_img, gan.ema_halflife_kimg, gan.ema_rampup) == (2500.0, 3.0, 0.5)
    assert (gan.z_dim, gan.z_prior, gan.seed, gan.jit_compile) == (4, "uniform", 9, True)
    assert float(gan.lr_factor(progress=tf.constant(0.5), nimg=tf.constant(500.0))) == pytest.approx(0.25)


def test_an_unlimited_run_has_no_total(tiny_recipe):
    assert build_gan(tiny_recipe.replace(family="mlp", minutes=1), SHAPE).total_img is None


def test_only_mixed_precision_has_a_second_d(tiny_recipe):
    plain = build_gan(tiny_recipe.replace(family="mlp"), SHAPE)
    assert plain.D_float32 is plain.D
    mixed = build_gan(tiny_recipe.replace(family="mlp", precision="mixed_bfloat16"), SHAPE)
    assert mixed.D_float32 is not mixed.D
    assert {layer.compute_dtype for layer in mixed.D_float32.layers} == {"float32"}
