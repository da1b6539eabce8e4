import numpy as np
import pytest
from keras import layers
from network_inputs import count, latents, maps, pictures, shake

from tfgan_kit.networks import srresnet
from tfgan_kit.networks.layers.resample import PixelShuffle


def generator(**changes):
    small = {"resolution": (8, 8), "channels": 1, "z_dim": 5, "width": 3, "start_px": 4, "blocks": 2}
    return srresnet.generator(**{**small, **changes})


def discriminator(**changes):
    small = {"resolution": (8, 8), "channels": 1, "width": 3, "max_width": 5, "blocks": 1}
    return srresnet.discriminator(**{**small, **changes})


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
    w = shake(G)

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
    w = shake(D)

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


def test_noise_and_dropout_follow_every_activation():
    # The start, one in each of two blocks, that after them, and that of the doubled map.
    assert generator(dropout=0.5).noise_dim == 4 * 4 * 3 * (1 + 2 + 1) + 8 * 8 * 3
    assert generator(dropout=0.5, noise=0.1).noise_dim == 2 * generator(noise=0.1).noise_dim
    assert generator().noise_dim == 0
    # After the first convolution, twice in its block, and after the second one.
    assert discriminator(dropout=0.5).noise_dim == 4 * 4 * 3 * (1 + 2) + 2 * 2 * 5
