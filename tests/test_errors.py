import inspect

import pytest

from tfgan_kit import errors
from tfgan_kit.errors import TfganKitError, nearest

CLASSES = [item for _, item in inspect.getmembers(errors, inspect.isclass) if item.__module__ == errors.__name__]


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_is_of_the_tree_and_in_its_picture(cls):
    assert issubclass(cls, TfganKitError)
    assert cls.__name__ in errors.__doc__
    assert cls.__doc__


def test_the_picture_names_nothing_else():
    drawn = {word for word in errors.__doc__.replace("─", " ").split() if word.endswith("Error")}
    assert drawn == {cls.__name__ for cls in CLASSES}


def test_a_damaged_checkpoint_is_a_run_error():
    assert issubclass(errors.CheckpointError, errors.RunError)


def test_nearest_names_the_likely_word_first_and_all_legal_ones():
    assert nearest("hing", ["wasserstein", "hinge"]) == "did you mean 'hinge'? legal: hinge, wasserstein"


def test_nearest_makes_no_guess_at_a_strange_word():
    assert nearest("xyz", ["wasserstein", "hinge"]) == "legal: hinge, wasserstein"
