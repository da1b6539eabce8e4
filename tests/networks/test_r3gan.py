import keras
import numpy as np
import pytest
import tensorflow as tf
from network_inputs import latents, pictures, shake

from tfgan_kit.networks import r3gan

SMALL = {"width": 4, "max_width": 8}


def generator(**changes):
    return r3gan.generator(**{"resolution": (8, 8), "channels": 1, "z_dim": 5, "start_px": 4, **SMALL, **changes})


def discriminator(**changes):
    return r3gan.discriminator(**{"resolution": (8, 8), "channels": 1, **SMALL, **changes})


def test_there_is_nothing_but_convolutions_activations_and_resampling():
    G, D = generator(resolution=(16, 16), blocks=2), discriminator(resolution=(16, 16), blocks=2)
    kinds = {type(layer).__name__ for layer in G.layers}
    assert kinds == {
        "InputLayer", "Dense", "Basis", "Conv2D", "LeakyReLU", "Add", "UpsampleBilinear", "Activation"
    }  # fmt: skip
    kinds = {type(layer).__name__ for layer in D.layers} - {"Flatten", "Reshape", "Activation", "InputLayer"}
    assert kinds == {"Conv2D", "LeakyReLU", "Add", "AveragePooling2D", "OntoBasis", "Dense"}


def test_a_block_is_1x1_3x3_1x1_and_only_its_last_layer_has_no_bias():
    for model in (generator(blocks=2), discriminator(blocks=2)):
        blocks = [layer for layer in model.layers if layer.name.startswith("block")]
        convolutions = [layer for layer in blocks if isinstance(layer, keras.layers.Conv2D)]
        # Two sizes, two blocks each.
        assert [layer.kernel_size[0] for layer in convolutions] == [1, 3, 1] * 4
        assert [layer.use_bias for layer in convolutions] == [True, True, False] * 4
        slopes = [layer.negative_slope for layer in blocks if isinstance(layer, keras.layers.LeakyReLU)]
        assert slopes == pytest.approx([0.2] * 8)


def test_widths_double_at_each_halving_up_to_the_bound():
    sizes = {"resolution": (64, 64), "width": 4, "max_width": 12, "blocks": 2}
    for model, order in ((generator(**sizes), -1), (discriminator(**sizes), 1)):
        maps = [layer.output.shape[1:] for layer in model.layers if isinstance(layer, keras.layers.Add)]
        expected = [(64, 64, 4), (32, 32, 8), (16, 16, 12), (8, 8, 12), (4, 4, 12)][::order]
        assert maps == [shape for shape in expected for _ in range(2)]


def test_blocks_are_the_identity_at_the_start_and_not_after():
    G = generator(blocks=2)
    ends = keras.Model(G.input, [G.get_layer("basis").output, G.get_layer("block0_1").output])
    first, last = ends(latents(3))
    np.testing.assert_array_equal(first, last)
    shake(G, 0.1)
    first, last = ends(latents(3))
    assert np.abs(first - last).max() > 0.01


def test_inner_layers_have_the_scale_of_fixup():
    D = discriminator(width=200, max_width=200, resolution=(8, 8), end_px=4, blocks=8)
    # 16 blocks of 3 layers: deviation sqrt(2 / (1 + 0.2^2)) * 16^(-1 / 4) / sqrt(inputs).
    for name, inputs in (("block0_0_conv0", 200), ("block0_7_conv1", 1800)):
        kernel = D.get_layer(name).kernel.numpy()
        assert kernel.std() == pytest.approx(np.sqrt(2.0 / 1.04) / 2.0 / np.sqrt(inputs), rel=0.03)
    assert not D.get_layer("block1_7_conv2").kernel.numpy().any()
    assert D.get_layer("from_image").kernel.numpy().std() == pytest.approx(1.0, rel=0.2)


def test_the_smallest_maps_by_hand():
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 4)).astype(np.float32)
    basis, onto = r3gan.Basis((3, 5), seed=1), r3gan.OntoBasis(seed=2)
    out = basis(x[:, 0, 0])
    np.testing.assert_allclose(out, x[:, :1, :1] * basis.map.numpy(), rtol=1e-6)
    np.testing.assert_allclose(onto(x), np.einsum("bhwc,hwc->bc", x, onto.map.numpy()), rtol=1e-4, atol=1e-5)
    assert basis.compute_output_shape((None, 4)) == (None, 3, 5, 4)


@pytest.mark.parametrize("layer", [r3gan.Basis((3, 5), seed=1, name="b"), r3gan.OntoBasis(seed=2, name="b")])
def test_the_layers_can_be_made_again_from_their_config(layer):
    again = type(layer).from_config(layer.get_config())
    shape = (2, 4) if isinstance(layer, r3gan.Basis) else (2, 3, 5, 4)
    layer.build(shape), again.build(shape)
    np.testing.assert_array_equal(layer.map, again.map)


def test_maps_keep_their_variance_at_the_start():
    G = generator(width=64, max_width=64, resolution=(16, 16))
    before_tanh = keras.Model(G.input, G.get_layer("image").output)
    assert 0.2 < np.std(before_tanh(latents(64))) < 3.0


def test_r1_has_a_gradient_under_xla():
    D = discriminator(resolution=(9, 8))
    shake(D, 0.1)
    x = tf.constant(pictures(2, (9, 8, 1)))

    def r1(x):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                logits = D(x)["logits"]
            penalty = tf.reduce_sum(tf.square(inner.gradient(logits, x)))
        return penalty, outer.gradient(penalty, D.get_layer("from_image").kernel)

    for eager, jitted in zip(r1(x), tf.function(r1, jit_compile=True)(x), strict=True):
        np.testing.assert_allclose(jitted, eager, rtol=1e-3, atol=1e-5)
        assert np.any(eager)
