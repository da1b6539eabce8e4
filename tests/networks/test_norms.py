import keras
import numpy as np
import pytest
import tensorflow as tf

from tfgan_kit.errors import RecipeError
from tfgan_kit.networks.layers.norms import KINDS, group_count, normalise

MAP, VECTOR = (5, 4, 12), (12,)
CASES = [(kind, shape) for kind in KINDS for shape in (MAP, VECTOR) if (kind, shape) != ("instance", VECTOR)]


def inputs(*shape, seed=0):
    return (3.0 + 2.0 * np.random.default_rng(seed).normal(size=shape)).astype(np.float32)


def model(kind, shape, dtype="float32"):
    x = keras.Input(shape)
    made = keras.Model(x, normalise(x, kind, momentum=0.9, dtype=dtype, name="norm"))
    generator = np.random.default_rng(4)
    for weight in made.trainable_variables:
        weight.assign(generator.uniform(0.5, 2.0, weight.shape))
    return made


def by_hand(kind, x, weights):
    if kind == "none":
        return x
    if kind == "pixel":
        return x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + 1e-8)
    scale, offset = weights[:2]
    if kind == "group":
        grouped = x.reshape(len(x), -1, group_count(x.shape[-1]), x.shape[-1] // group_count(x.shape[-1]))
        axes = (1, 3)
    else:
        grouped, axes = x, (0, *range(1, x.ndim - 1)) if kind == "batch" else (1, 2)
    mean, variance = grouped.mean(axes, keepdims=True), grouped.var(axes, keepdims=True)
    return ((grouped - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape) * scale + offset


@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_values_by_hand(kind, shape):
    x, norm = inputs(6, *shape), model(kind, shape)
    weights = [weight.numpy() for weight in norm.weights]
    np.testing.assert_allclose(norm(x, training=True), by_hand(kind, x, weights), atol=2e-5)


@pytest.mark.parametrize("kind", ["batch", "group", "instance"])
def test_values_of_torch(kind):
    torch = pytest.importorskip("torch")
    x, norm = inputs(3, *MAP), model(kind, MAP)
    theirs = {
        "batch": lambda: torch.nn.BatchNorm2d(12),
        "group": lambda: torch.nn.GroupNorm(group_count(12), 12),
        "instance": lambda: torch.nn.InstanceNorm2d(12, affine=True),
    }[kind]()
    with torch.no_grad():
        theirs.weight.copy_(torch.from_numpy(norm.weights[0].numpy()))
        theirs.bias.copy_(torch.from_numpy(norm.weights[1].numpy()))
        expected = theirs(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy().transpose(0, 2, 3, 1)
    np.testing.assert_allclose(norm(x, training=True), expected, atol=2e-5)


@pytest.mark.parametrize("kind", ["group", "instance", "pixel"])
def test_a_picture_does_not_depend_on_the_batch_or_on_training(kind):
    x, norm = inputs(4, *MAP), model(kind, MAP)
    whole = norm(x, training=True).numpy()
    np.testing.assert_allclose(norm(x[2:3], training=False)[0], whole[2], atol=1e-6)


def test_running_statistics_follow_the_momentum():
    x, norm = inputs(64, *VECTOR), model("batch", VECTOR)
    norm(x, training=True)
    np.testing.assert_allclose(norm.get_layer("norm").moving_mean, 0.1 * x.mean(axis=0), rtol=1e-4)


def test_none_is_no_layer_and_pixel_norm_learns_nothing():
    x = keras.Input(MAP)
    assert normalise(x, "none", momentum=0.9, dtype="float32", name="norm") is x
    assert not model("pixel", MAP).weights


@pytest.mark.parametrize(
    ("channels", "groups"),
    [(1, 1), (2, 1), (3, 1), (4, 2), (12, 2), (16, 8), (24, 4), (32, 16), (48, 8), (64, 32), (96, 16), (512, 32)],
)
def test_groups_by_hand(channels, groups):
    assert group_count(channels) == groups
    assert channels % groups == 0
    assert channels == 1 or channels // groups >= 2


def test_zeros_and_constants_stay_finite():
    for kind, shape in CASES:
        for value in (0.0, 5.0):
            x = tf.fill((2, *shape), value)
            norm = model(kind, shape)
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = norm(x, training=True)
            assert np.isfinite(y).all()
            assert np.isfinite(tape.gradient(y, x)).all()


@pytest.mark.parametrize("shape", [VECTOR, (1, 1, 12)])
def test_instance_norm_of_a_vector_is_refused(shape):
    with pytest.raises(RecipeError, match=r"'norm0': 'instance'.*legal here: batch, group, none, pixel"):
        normalise(keras.Input(shape), "instance", momentum=0.9, dtype="float32", name="norm0")


def test_group_norm_of_one_number_is_refused():
    with pytest.raises(RecipeError, match="legal here: batch, none"):
        normalise(keras.Input((1,)), "group", momentum=0.9, dtype="float32", name="norm0")


def test_an_unknown_kind_is_refused():
    with pytest.raises(RecipeError, match=r"'norm0': the normalisation 'layer' is unknown; .*legal: batch, group"):
        normalise(keras.Input(MAP), "layer", momentum=0.9, dtype="float32", name="norm0")


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize(("kind", "shape"), CASES)
def test_mixed_precision_computes_in_float32(kind, shape, dtype):
    # 300^2 is beyond float16.
    x = 100.0 * inputs(4, *shape)
    norm = model(kind, shape, dtype)
    found = norm(x, training=True)
    assert kind == "none" or found.dtype == dtype.removeprefix("mixed_")
    weights = [weight.numpy() for weight in norm.weights]
    np.testing.assert_allclose(tf.cast(found, tf.float32), by_hand(kind, x, weights), atol=0.06)


@pytest.mark.parametrize(("kind", "shape"), [case for case in CASES if case[0] != "none"])
def test_jitted(kind, shape):
    x, norm = tf.constant(inputs(4, *shape)), model(kind, shape)
    np.testing.assert_allclose(tf.function(norm, jit_compile=True)(x), norm(x), atol=2e-5)


@pytest.mark.parametrize(("kind", "shape"), [case for case in CASES if case[0] != "none"])
def test_onnx(kind, shape, assert_onnx_equal):
    operators = assert_onnx_equal(model(kind, shape), lambda n: [inputs(n, *shape)])
    assert not {"Shape", "Slice", "Concat", "Cast"} & set(operators)
    assert len(operators) <= {"batch": 2, "pixel": 6}.get(kind, 12)
