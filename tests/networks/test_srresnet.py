import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from tfgan_kit.networks import srresnet
from tfgan_kit.networks.layers.resample import PixelShuffle
from tfgan_kit.networks.layers.spectral import Spectral


def generator(**changes):
    small = {"resolution": (8, 8), "channels": 1, "z_dim": 5, "width": 3, "start_px": 4, "blocks": 2}
    return srresnet.generator(**{**small, **changes})


def discriminator(**changes):
    small = {"resolution": (8, 8), "channels": 1, "width": 3, "max_width": 5, "blocks": 1}
    return srresnet.discriminator(**{**small, **changes})


def inputs(model, x, classes=()):
    """What the model takes beside `x`."""
    rng = np.random.default_rng(1)
    c = np.stack([np.arange(len(x)) % count for count in classes], axis=1).astype(np.int32) if classes else None
    noise = rng.normal(size=(len(x), model.noise_dim)).astype(np.float32)
    parts = [x, *({"c": c, "noise": noise}[tensor.name] for tensor in model.inputs[1:])]
    return parts if len(parts) > 1 else parts[0]


def latents(n, z_dim=5):
    return np.random.default_rng(0).normal(size=(n, z_dim)).astype(np.float32)


def pictures(n, shape=(8, 8, 1)):
    return np.random.default_rng(0).uniform(-1, 1, size=(n, *shape)).astype(np.float32)


def count(weights):
    return sum(int(np.prod(weight.shape)) for weight in weights)


def maps(model, kind):
    return [tuple(layer.output.shape[1:]) for layer in model.layers if isinstance(layer, kind)]


def spread(model):
    """Biases and offsets that are not zero, so that a wrong one shows."""
    rng = np.random.default_rng(5)
    for weight in model.weights:
        if "variance" not in weight.path:
            weight.assign(weight + 0.3 * rng.normal(size=weight.shape).astype(np.float32))
    return {weight.path: np.asarray(weight) for weight in model.weights}


@pytest.mark.parametrize(
    ("channels", "classes", "condition"),
    [(1, (), "auxiliary"), (3, (3, 2), "projection"), (1, (3,), "projection"), (3, (3, 2), "auxiliary")],
)
@pytest.mark.parametrize("resolution", [(16, 16), (33, 20)], ids=str)
def test_any_resolution_gives_images_and_outputs(resolution, channels, classes, condition):
    sizes = {"resolution": resolution, "channels": channels, "classes": classes}
    G, D = generator(**sizes), discriminator(**sizes, condition=condition)
    images = G(inputs(G, latents(3) * 10, classes))
    assert images.shape == (3, *resolution, channels)
    assert images.dtype == tf.float32
    assert np.abs(images).max() <= 1.0
    assert np.std(images) > 0.0
    outputs = D(inputs(D, np.asarray(images), classes))
    shapes = {"logits": (3,), "features": (3, D.get_layer("flat").output.shape[1])}
    if classes and condition == "auxiliary":
        shapes["classes"] = (3, sum(classes))
        assert [tensor.name for tensor in D.inputs] == ["images"]
    assert {name: tuple(value.shape) for name, value in outputs.items()} == shapes
    assert {value.dtype for value in outputs.values()} == {tf.float32}


def test_g_of_the_paper_at_128_px():
    G = srresnet.generator(resolution=(128, 128), channels=3, z_dim=128)
    start = 128 * 16 * 16 * 64 + 16 * 16 * 64 + 2 * 64
    blocks = 16 * 2 * (9 * 64 * 64 + 2 * 64) + 2 * 64
    shuffles = 3 * (9 * 64 * 256 + 2 * 64)
    assert count(G.trainable_weights) == start + blocks + shuffles + 9 * 9 * 64 * 3 + 3
    assert maps(G, layers.Add) == [(16, 16, 64)] * 17
    assert maps(G, PixelShuffle) == [(32, 32, 64), (64, 64, 64), (128, 128, 64)]
    assert G.get_layer("image").kernel_size == (9, 9)


def test_d_of_the_paper_at_128_px():
    # Every width is an eighth of the paper's 32 to 1,024.
    D = srresnet.discriminator(resolution=(128, 128), channels=3, width=4, max_width=128)
    strided = [layer for layer in D.layers if getattr(layer, "strides", None) == (2, 2)]
    assert [(layer.kernel_size[0], *layer.output.shape[1:]) for layer in strided] == [
        (4, 64, 64, 4), (4, 32, 32, 8), (4, 16, 16, 16), (3, 8, 8, 32), (3, 4, 4, 64), (3, 2, 2, 128),
    ]  # fmt: skip
    assert maps(D, layers.Add) == [
        shape for shape in ((64, 64, 4), (32, 32, 8), (16, 16, 16), (8, 8, 32), (4, 4, 64)) for _ in range(2)
    ]
    assert not [layer for layer in D.layers if "Norm" in type(layer).__name__]
    plain = sum(2 * 2 * (9 * n * n + n) for n in (4, 8, 16, 32, 64))
    down = sum(px * px * a * b + b for px, a, b in ((4, 3, 4), (4, 4, 8), (4, 8, 16), (3, 16, 32), (3, 32, 64),
                                                    (3, 64, 128)))  # fmt: skip
    assert count(D.trainable_weights) == plain + down + 2 * 2 * 128 + 1


@pytest.mark.parametrize(("start_px", "shuffles"), [(16, 2), (8, 3), (64, 0)])
def test_the_first_map_decides_how_often_it_is_doubled(start_px, shuffles):
    G = generator(resolution=(64, 64), start_px=start_px)
    assert len(maps(G, PixelShuffle)) == shuffles
    assert tuple(G.get_layer("start_map").output.shape[1:]) == (64 >> shuffles, 64 >> shuffles, 3)


def test_g_is_what_the_paper_draws():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    G = generator(leak=0.1)
    w = spread(G)

    def conv(x, name):
        kernel = torch.from_numpy(w[f"{name}/kernel"].transpose(3, 2, 0, 1).copy())
        bias = torch.from_numpy(w[f"{name}/bias"]) if f"{name}/bias" in w else None
        return F.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2)

    def norm(x, name):
        parts = (torch.from_numpy(w[f"{name}/{part}"]) for part in ("moving_mean", "moving_variance", "gamma", "beta"))
        return F.batch_norm(x, *parts, eps=G.get_layer(name).epsilon)

    def act(x):
        return F.leaky_relu(x, 0.1)

    z = latents(4)
    start = torch.from_numpy((z @ w["start/kernel"] + w["start/bias"]).reshape(4, 4, 4, 3).transpose(0, 3, 1, 2))
    start = x = act(norm(start, "start_norm"))
    for i in range(2):
        residual = act(norm(conv(x, f"block{i}_conv_a"), f"block{i}_a_norm"))
        x = x + norm(conv(residual, f"block{i}_conv_b"), f"block{i}_b_norm")
    x = act(norm(x, "blocks_norm")) + start
    # PyTorch has the four pixels of a channel beside each other, TensorFlow the channels of a pixel.
    x = conv(x, "up0")[:, [pixel * 3 + channel for channel in range(3) for pixel in range(4)]]
    x = act(norm(F.pixel_shuffle(x, 2), "up0_norm"))
    expected = torch.tanh(conv(x, "image")).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(G(z), expected, rtol=1e-4, atol=1e-5)


def test_d_is_what_the_paper_draws():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    D = discriminator()
    w = spread(D)

    def conv(x, name, stride=1):
        kernel = torch.from_numpy(w[f"{name}/kernel"].transpose(3, 2, 0, 1).copy())
        return F.conv2d(x, kernel, torch.from_numpy(w[f"{name}/bias"]), stride=stride, padding=1)

    def act(x):
        return F.leaky_relu(x, 0.2)

    images = pictures(3)
    x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    x = act(conv(x, "down0", 2))
    x = act(x + conv(act(conv(x, "block0_0_conv_a")), "block0_0_conv_b"))
    x = act(conv(x, "down1", 2))
    features = x.permute(0, 2, 3, 1).flatten(1).numpy()
    outputs = D(images)
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-4, atol=1e-4)
    expected = features @ w["logit/kernel"][:, 0] + w["logit/bias"]
    np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("norm", ["instance", "group", "pixel", "none"])
def test_other_norms_of_g(norm):
    G = generator(norm=norm)
    assert np.std(G(latents(2))) > 0
    has_bias = "block0_conv_a/bias" in {weight.path for weight in G.weights}
    assert has_bias == (norm in ("pixel", "none"))


@pytest.mark.parametrize("build", [generator, discriminator])
def test_spectral_norm_is_on_every_kernel(build):
    model = build(spectral_norm=True, classes=(3,))
    weighty = [layer for layer in model.layers if hasattr(layer, "kernel") or isinstance(layer, layers.Embedding)]
    assert len(weighty) >= 6
    assert all(isinstance(layer, Spectral) for layer in weighty)


def test_noise_and_dropout_follow_every_activation():
    # The start, one in each of two blocks, that after them, and that of the doubled map.
    assert generator(dropout=0.5).noise_dim == 4 * 4 * 3 * (1 + 2 + 1) + 8 * 8 * 3
    assert generator(dropout=0.5, noise=0.1).noise_dim == 2 * generator(noise=0.1).noise_dim
    assert generator().noise_dim == 0
    # After the first convolution, twice in its block, and after the second one.
    assert discriminator(dropout=0.5).noise_dim == 4 * 4 * 3 * (1 + 2) + 2 * 2 * 5


def test_the_comparisons_within_a_batch():
    same, mixed = np.repeat(pictures(1), 4, axis=0), pictures(4)
    D = discriminator(minibatch="stddev")
    assert D.get_layer("stddev").output.shape[1:] == (2, 2, 6)
    assert np.asarray(D(same)["features"])[:, 5::6] == pytest.approx(0, abs=1e-2)
    assert np.asarray(D(mixed)["features"])[:, 5::6].min() > 0.01
    assert discriminator(minibatch="discrimination")(mixed)["logits"].shape == (4,)


@pytest.mark.parametrize("build", [generator, discriminator])
def test_every_weight_gets_a_gradient_in_a_jitted_step(build):
    model = build(classes=(3, 2))
    x = inputs(model, latents(6) if build is generator else pictures(6), (3, 2))

    @tf.function(jit_compile=True)
    def gradients():
        with tf.GradientTape() as tape:
            outputs = model(x, training=True)
            outputs = {"images": outputs} if build is generator else outputs
            loss = tf.add_n([tf.reduce_sum(tf.square(value - 0.3)) for value in outputs.values()])
        return [tf.convert_to_tensor(g) for g in tape.gradient(loss, model.trainable_variables)]

    still = set()
    for variable, gradient in zip(model.trainable_variables, gradients(), strict=True):
        assert np.isfinite(gradient).all(), variable.path
        if np.abs(gradient).max() < 1e-5:
            still.add(variable.path)
    # In the paper's G, the norm after the blocks takes the offset of the last block away.
    assert still == ({"block1_b_norm/beta"} if build is generator else set())


@pytest.mark.parametrize("build", [generator, discriminator])
@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_policies_give_float32_outputs_of_float32_weights(build, dtype):
    model = build(dtype=dtype, classes=(3,))
    outputs = model(inputs(model, latents(2) if build is generator else pictures(2), (3,)))
    outputs = outputs if isinstance(outputs, dict) else {"images": outputs}
    assert {value.dtype for value in outputs.values()} == {tf.float32}
    assert {weight.dtype for weight in model.weights} == {"float32"}
    name = "block0_conv_a" if build is generator else "block0_0_conv_a"
    assert model.get_layer(name).compute_dtype == dtype.removeprefix("mixed_")


@pytest.mark.parametrize("build", [generator, discriminator])
def test_initial_weights_follow_the_seed(build):
    one, same, other = (build(seed=seed, classes=(3, 2)) for seed in (1, 1, 2))
    assert [layer.name for layer in one.layers] == [layer.name for layer in same.layers]
    for first, second in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)
    pairs = [(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True) if a.std() > 0]
    assert len(pairs) >= 6
    assert all((a != b).any() for a, b in pairs)


def test_export_is_equal(assert_onnx_equal):
    G = generator(resolution=(12, 10), classes=(3, 2), noise=0.1)
    spread(G)
    operators = assert_onnx_equal(G, lambda n: inputs(G, latents(n), (3, 2)))
    assert operators.count("DepthToSpace") == 2
