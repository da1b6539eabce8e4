"""From z to w: the file beside a model of inputs "w"."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tfgan_kit.errors import ModelFileError
from tfgan_kit.export.sampling.session import described, labels_input, open_session, read_model, run_one
from tfgan_kit.export.spec import ModelSpec, mapping_file


class StyleMapping:
    """The mapping of a style generator; may be used from several threads.

    Attributes:
        content: of its file.
    """

    def __init__(self, model: Path, spec: ModelSpec, device: str) -> None:
        """Open the mapping that lies beside a model.

        Args:
            model: the model's own file.
            spec: what that says of itself.
            device: "cpu" or "cuda".

        Raises:
            ModelFileError: it is not there, or of another model.
        """
        path = mapping_file(model)
        if not path.is_file():
            raise ModelFileError(
                f"{model} makes pictures of w, and {path.name}, which makes w, is not beside it: copy both files, or "
                "export again"
            )
        self.content = read_model(path)
        self._source = str(path)
        self._session = open_session(self.content, device, threads=1, source=self._source)
        expected = [("z", "tensor(float)", [spec.z_dim]), *labels_input(spec), ("w", "tensor(float)", [spec.w_dim])]
        found = [(name, kind, shape[1:]) for name, kind, shape in described(self._session)]
        if found != expected:
            raise ModelFileError(f"{path} is not the mapping of {model.name}: its graph has {found}, not {expected}")

    def __call__(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """The w of latents.

        Args:
            inputs: `z` (N, z_dim) float32, and for a conditional model `labels`.

        Returns:
            (N, w_dim) float32.
        """
        return run_one(self._session, inputs, "w", self._source)
