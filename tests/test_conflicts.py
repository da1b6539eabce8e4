import pytest

from tfgan_kit.conflicts import CONFLICTS
from tfgan_kit.errors import RecipeError
from tfgan_kit.recipe import Recipe

CONTRADICTIONS = {
    ("weight_clip", "d_spectral_norm"): {"weight_clip": 0.01, "d_spectral_norm": True},
    ("weight_clip", "gp_lambda"): {"weight_clip": 0.01, "gp_lambda": 10.0},
    ("gp_lambda", "dragan_lambda"): {"gp_lambda": 10.0, "dragan_lambda": 10.0},
    ("gp_lambda", "d_norm", "family"): {"gp_lambda": 10.0, "d_norm": "batch"},
    ("feature_matching", "d_hidden"): {"feature_matching": 1.0, "family": "mlp", "d_hidden": ()},
    ("g_adversarial", "feature_matching"): {"g_adversarial": 0.0},
    ("condition", "conditional"): {"condition": "auxiliary", "conditional": False},
    ("label_smoothing", "real_labels"): {"label_smoothing": 0.1, "real_labels": (0.7, 1.2)},
    ("pretrain_d_kimg", "alternate_kimg"): {"pretrain_d_kimg": 1.0, "alternate_kimg": (1.0, 1.0)},
    ("lazy_every", "r1_gamma", "r2_gamma", "path_lambda"): {"lazy_every": 4},
    ("g_random_in_use", "g_noise", "g_dropout"): {"g_random_in_use": True},
    ("augment", "loss"): {"augment": "ada", "loss": "relativistic_average"},
    ("real_labels", "fake_labels", "loss"): {"real_labels": (1.0, 1.2)},
    ("loss", "label_smoothing", "real_labels", "fake_labels"): {"loss": "wasserstein", "label_smoothing": 0.1},
    ("path_lambda", "precision"): {"path_lambda": 1.0, "precision": "mixed_float16"},
    ("pretrain_d_kimg", "kimg"): {"pretrain_d_kimg": 30.0},
    ("alternate_kimg", "kimg"): {"alternate_kimg": (30.0, 0.5)},
    ("swap", "swap_every_kimg", "kimg"): {"swap": "d", "swap_every_kimg": 40.0},
    ("family", "weight_clip"): {"family": "style", "weight_clip": 0.01},
    ("crop", "resolution"): {"crop": (32, 64), "resolution": (64, 48)},
    ("accumulate", "batch_size"): {"accumulate": 3},
    ("d_minibatch", "batch_size", "accumulate"): {"d_minibatch": "stddev", "batch_size": 25},
    ("replay_images", "replay_share", "batch_size"): {"replay_images": 8, "batch_size": 64},
    ("swap_steps", "swap_every_kimg", "batch_size", "d_steps"): {"swap": "d", "swap_every_kimg": 0.5},
    ("alternate_kimg", "batch_size", "d_steps"): {"alternate_kimg": (0.01, 1.0)},
    ("family", "d_minibatch"): {"family": "mlp", "d_minibatch": "stddev"},
    ("family", "g_norm", "d_norm"): {"family": "mlp", "d_norm": "instance"},
}


def test_every_rule_is_shown_here():
    assert {conflict.fields for conflict in CONFLICTS} == CONTRADICTIONS.keys()


@pytest.mark.parametrize("conflict", CONFLICTS, ids=lambda conflict: "-".join(conflict.fields))
def test_a_contradiction_is_refused_with_its_fields_and_the_way_out(conflict):
    with pytest.raises(RecipeError) as caught:
        Recipe(kimg=30, **CONTRADICTIONS[conflict.fields])
    message = str(caught.value)
    assert all(f"{name}=" in message for name in conflict.fields)
    assert conflict.way_out in message
    assert "\n" not in message


# Not where one field contradicts a default, a family or a batch size.
@pytest.mark.parametrize(
    "changes",
    [c for c in CONTRADICTIONS.values() if len(c) > 1 and not {"family", "batch_size"} & c.keys()],
    ids="-".join,
)
def test_each_of_the_fields_alone_is_legal(changes):
    for name, value in changes.items():
        assert getattr(Recipe(kimg=30, **{name: value}), name) == value


def test_any_recipe_may_be_conditional_where_the_data_decides():
    assert Recipe(kimg=1, condition="auxiliary").conditional is None
    assert Recipe(kimg=1, r1_gamma=1.0, lazy_every=16).lazy_every == 16
