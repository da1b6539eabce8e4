import numpy as np
import pytest
from keras import layers
from network_inputs import count, latents, maps, pictures, shake

from tfgan_kit.errors import RecipeError
from tfgan_kit.networks import resnet

SMALL = {"width": 3, "max_width": 5}


def generator(**changes):
    return resnet.generator(**{"resolution": (8, 8), "channels": 1, "z_dim": 5, **SMALL, **changes})


def discriminator(**changes):
    return resnet.discriminator(**{"resolution": (8, 8), "channels": 1, **SMALL, **changes})


def test_g_of_table_4_for_32_px():
    G = resnet.generator(resolution=(32, 32), channels=3, z_dim=128, width=256, max_width=256, start_px=4)
    start = 128 * 4 * 4 * 256 + 4 * 4 * 256
    block = 2 * 9 * 256 * 256 + 256 * 256 + 2 * 2 * 256
    last = 2 * 256 + 9 * 256 * 3 + 3
    assert count(G.trainable_weights) == start + 3 * block + last == 4_274_435
    # A bias for each of a block's three convolutions, which batch norm takes away, would make it the usual count.
    assert 4_274_435 + 3 * 3 * 256 == 4_276_739
    assert maps(G, layers.Add) == [(8, 8, 256), (16, 16, 256), (32, 32, 256)]


def test_d_of_table_4_for_32_px():
    D = resnet.discriminator(resolution=(32, 32), channels=3, width=128, max_width=128, end_px=8, blocks=2)
    convolution = 9 * 128 * 128 + 128
    first = (9 * 3 * 128 + 128) + convolution + (3 * 128 + 128)
    second = 2 * convolution + (128 * 128 + 128)
    assert count(D.trainable_weights) == first + second + 2 * 2 * convolution + 129 == 1_053_825
    assert maps(D, layers.Add) == [(16, 16, 128), (8, 8, 128), (8, 8, 128), (8, 8, 128)]


def test_channels_of_table_3_for_128_px():
    # One 64th of the paper's 64 to 1,024.
    G = generator(resolution=(128, 128), width=1, max_width=16, start_px=4)
    assert tuple(G.get_layer("start_map").output.shape[1:]) == (4, 4, 16)
    assert maps(G, layers.Add) == [(8, 8, 16), (16, 16, 8), (32, 32, 4), (64, 64, 2), (128, 128, 1)]
    D = discriminator(resolution=(128, 128), width=1, max_width=16, end_px=4)
    assert maps(D, layers.Add) == [(64, 64, 1), (32, 32, 2), (16, 16, 4), (8, 8, 8), (4, 4, 16), (4, 4, 16)]


def test_g_is_what_the_paper_draws():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    G = generator(resolution=(8, 8), start_px=4, leak=0.1)
    w = shake(G)

    def conv(x, name):
        kernel = torch.from_numpy(w[f"{name}/kernel"].transpose(3, 2, 0, 1).copy())
        bias = torch.from_numpy(w[f"{name}/bias"]) if f"{name}/bias" in w else None
        return F.conv2d(x, kernel, bias, padding=kernel.shape[-1] // 2)

    def activated(x, name):
        parts = (torch.from_numpy(w[f"{name}_norm/{part}"]) for part in
                 ("moving_mean", "moving_variance", "gamma", "beta"))  # fmt: skip
        return F.leaky_relu(F.batch_norm(x, *parts, eps=G.get_layer(f"{name}_norm").epsilon), 0.1)

    def double(x):
        return F.interpolate(x, scale_factor=2, mode="nearest")

    z = latents(4)
    x = torch.from_numpy((z @ w["start/kernel"] + w["start/bias"]).reshape(4, 4, 4, 5).transpose(0, 3, 1, 2))
    residual = conv(double(activated(x, "block0_a")), "block0_conv_a")
    residual = conv(activated(residual, "block0_b"), "block0_conv_b")
    # The order of the paper: first the larger map, then the 1x1 convolution.
    x = residual + conv(double(x), "block0_shortcut")
    expected = torch.tanh(conv(activated(x, "last"), "image")).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(G(z), expected, rtol=1e-4, atol=1e-5)


def test_d_is_what_the_paper_draws():
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    D = discriminator(resolution=(8, 8), end_px=2, leak=0.1)
    w = shake(D)

    def conv(x, name):
        kernel = torch.from_numpy(w[f"{name}/kernel"].transpose(3, 2, 0, 1).copy())
        return F.conv2d(x, kernel, torch.from_numpy(w[f"{name}/bias"]), padding=kernel.shape[-1] // 2)

    def act(x):
        return F.leaky_relu(x, 0.1)

    images = pictures(3)
    x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    residual = F.avg_pool2d(conv(act(conv(x, "block0_conv_a")), "block0_conv_b"), 2)
    x = residual + conv(F.avg_pool2d(x, 2), "block0_shortcut")
    residual = F.avg_pool2d(conv(act(conv(act(x), "block1_conv_a")), "block1_conv_b"), 2)
    # The order of the paper: first the 1x1 convolution, then the pooling.
    x = residual + F.avg_pool2d(conv(x, "block1_shortcut"), 2)
    x = x + conv(act(conv(act(x), "block2_conv_a")), "block2_conv_b")
    features = act(x).sum((2, 3)).numpy()
    outputs = D(images)
    np.testing.assert_allclose(outputs["features"], features, rtol=1e-4, atol=1e-4)
    expected = features @ w["logit/kernel"][:, 0] + w["logit/bias"]
    np.testing.assert_allclose(outputs["logits"], expected, rtol=1e-4, atol=1e-4)


def test_the_norm_of_a_network_is_before_every_activation_but_those_of_pixels_and_of_features():
    kinds = (layers.BatchNormalization, layers.LeakyReLU)
    G = generator(resolution=(8, 8), start_px=4)
    assert [layer.name for layer in G.layers if isinstance(layer, kinds)] == [
        "block0_a_norm", "block0_a_act", "block0_b_norm", "block0_b_act", "last_norm", "last_act",
    ]  # fmt: skip
    D = discriminator(resolution=(8, 8), norm="batch")
    assert [layer.name for layer in D.layers if isinstance(layer, kinds)] == [
        "block0_b_act", "block1_a_norm", "block1_a_act", "block1_b_norm", "block1_b_act", "last_act",
    ]  # fmt: skip


@pytest.mark.parametrize("norm", ["instance", "group", "pixel", "none"])
def test_other_norms(norm):
    G, D = generator(norm=norm), discriminator(norm=norm)
    assert np.std(G(latents(2))) > 0
    assert np.isfinite(D(pictures(2))["logits"]).all()
    has_bias = "block0_conv_a/bias" in {weight.path for weight in G.weights}
    assert has_bias == (norm in ("pixel", "none"))


def test_the_sum_of_a_large_map_is_finite_in_half_precision():
    D = discriminator(resolution=(64, 64), end_px=32, dtype="mixed_float16")
    assert D.get_layer("sum").compute_dtype == "float32"
    D.get_layer("block0_conv_b").bias.assign([1e3] * 3)
    features = np.asarray(D(pictures(1, (64, 64, 1)))["features"])
    assert np.isfinite(features).all()
    assert features.max() > np.finfo(np.float16).max


def test_attention_is_on_the_map_of_its_side():
    G, D = generator(resolution=(16, 16), attention_px=8), discriminator(resolution=(16, 16), attention_px=8)
    assert tuple(G.get_layer("attention0").output.shape[1:3]) == (8, 8)
    assert tuple(D.get_layer("attention0").output.shape[1:3]) == (8, 8)
    assert G(latents(2)).shape == (2, 16, 16, 1)
    with pytest.raises(RecipeError, match=r"g_attention_px=5 .* legal: 0, 4, 8, 16"):
        generator(resolution=(16, 16), attention_px=5)
    with pytest.raises(RecipeError, match=r"d_attention_px=16 .* legal: 0, 4, 8"):
        discriminator(resolution=(16, 16), attention_px=16)


def test_noise_and_dropout_follow_every_activation():
    G = generator(resolution=(8, 8), start_px=4, dropout=0.5)
    # The start's 4x4x5, the block's 8x8x3, and the last.
    assert G.noise_dim == 4 * 4 * 5 + 8 * 8 * 3 + 8 * 8 * 3
    assert generator(resolution=(8, 8), start_px=4, noise=0.1, dropout=0.5).noise_dim == 2 * G.noise_dim
    assert generator(resolution=(8, 8)).noise_dim == 0
    assert discriminator(resolution=(8, 8), end_px=4, dropout=0.5).noise_dim == 8 * 8 * 3 + 2 * 4 * 4 * 3
