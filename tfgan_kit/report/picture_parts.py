"""The parts of the page that are pictures: samples, how they grew, interpolations, nearest training pictures."""

from __future__ import annotations

from tfgan_kit.errors import DataError
from tfgan_kit.pictures import panels, to_pillow
from tfgan_kit.report import facts
from tfgan_kit.report.embed import Embedded, embed, embed_animation, embed_file
from tfgan_kit.report.markup import bullets, details, escape, figure, paragraph
from tfgan_kit.report.record import RunRecord
from tfgan_kit.report.walk import Painter, samples, walks

# Bytes of each picture before base64; with all of them and the curves the page stays below 6 MB.
_SAMPLES, _ANIMATION, _STILLS, _WALKS, _NEAREST = 1_000_000, 1_500_000, 350_000, 400_000, 350_000
_PANELS = 6


def grid(record: RunRecord, painter: Painter | None, unread: list[str]) -> str:
    """Samples; what cannot be read is put into `unread`, here as below."""
    rows, columns = record.recipe.preview_grid
    about = f"Seeds 0 to {rows * columns - 1}, row by row; not chosen."
    single = [values for values in record.facts.attributes.values() if len(record.facts.attributes) == 1]
    if single and len(single[0]) == columns:
        about += f" A column a class: {', '.join(single[0])}."
    if painter is not None:
        picture = embed(to_pillow(samples(painter, rows, columns)), _SAMPLES)
        return _picture(picture, "Samples of the generator", f"{about} From the newest checkpoint.")
    if not record.previews:
        return ""
    step = record.previews[-1].stem.removeprefix("step-").lstrip("0") or "0"
    try:
        return _picture(embed_file(record.previews[-1], _SAMPLES), "Samples", f"{about} The preview of step {step}.")
    except DataError as error:
        unread.append(str(error))
        return ""


def growth(record: RunRecord, unread: list[str]) -> str:
    """The previews as an animation, and some of them side by side."""
    previews, row_px = record.previews, record.facts.shape[0] + 2
    if len(previews) < 2:
        return ""
    try:
        moving = embed_animation(record.folder.path / "progress.gif", previews, row_px, _ANIMATION)
        row = to_pillow(panels(previews, _PANELS))
    except (DataError, OSError, ValueError) as error:
        unread.append(str(error))
        return ""
    stills = _picture(
        embed(row, _STILLS), "Previews side by side", f"{min(_PANELS, len(previews))} previews, the first to the last."
    )
    if moving is None:
        return stills + paragraph("The animation is left out: it would be too large.", "soft")
    about = "The same latents in every preview, from the first to the last."
    return _picture(moving, "Animation of the previews", about) + details("Side by side", stills)


def interpolations(record: RunRecord, painter: Painter | None) -> str:
    """Walks in each latent space."""
    if painter is None:
        return ""
    parts = []
    for space, latents in painter.spaces().items():
        straight = space == "w" or record.recipe.z_prior == "uniform"
        way = "the straight line" if straight else "the great circle"
        kept = "; a row keeps its class" if record.facts.attributes else ""
        sheet = to_pillow(walks(latents, space, record.recipe.z_prior))
        about = f"In {space}: each row goes from one latent to another on {way}{kept}."
        parts.append(_picture(embed(sheet, _WALKS), f"Interpolations in {space}", about))
    return "\n".join(parts)


def nearest(record: RunRecord, unread: list[str]) -> str:
    """The samples that are nearest to training pictures, and what the evaluation says of copies."""
    file = record.folder.path / "nearest.png"
    # Without pairs the picture is of an older evaluation.
    if record.evaluation is None or not record.evaluation.pairs or not file.is_file():
        return ""
    try:
        picture = embed_file(file, _NEAREST)
    except DataError as error:
        unread.append(str(error))
        return ""
    about = "Of all samples those that are nearest to a training picture: samples above, that picture below each."
    return _picture(picture, "Pairs of samples and training pictures", about) + bullets(
        facts.copy_notes(record.evaluation)
    )


def _picture(picture: Embedded, alt: str, about: str) -> str:
    caption = escape(f"{about} {picture.note}".strip())
    size = f'width="{picture.width}" height="{picture.height}"'
    kind = ' class="pixels"' if picture.enlarged else ""
    return figure(f'<img src="{picture.uri}" {size} alt="{escape(alt)}"{kind}>', caption)
