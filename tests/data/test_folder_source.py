import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgan_kit.data import open_source, pictures
from tfgan_kit.data.folder import FolderSource
from tfgan_kit.data.source import ArraySource, Source
from tfgan_kit.errors import DataError
from tfgan_kit.recipe import Recipe

Files = dict[str, bytes]


def encoded(pixels: np.ndarray, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def noise(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), np.uint8)


def put(root: Path, files: Files, kind: str = "folder") -> str:
    """A `folder:` spec for files that lie in a folder or in a .zip."""
    if kind == "zip":
        with zipfile.ZipFile(root / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return f"folder:{root / 'set.zip'}"
    for name, content in files.items():
        path = root / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return f"folder:{root / 'set'}"


def opened(spec: str, **fields: object) -> Source:
    return open_source(Recipe(data=spec, kimg=1, batch_size=2).replace(**fields))


def table(header: str, *rows: str) -> Files:
    return {"labels.csv": "\n".join([header, *rows]).encode("utf-8-sig")}


PIXELS = noise(6, 8, 10, 3)
FLAT: Files = {f"{index}.png": encoded(pixels) for index, pixels in enumerate(PIXELS)}


def test_labels_longer_than_an_integer_are_names(tmp_path: Path) -> None:
    rows = [f"{index}.png,{'9' * (17 + index)}" for index in range(6)]
    source = opened(put(tmp_path, FLAT | table("file,number", *rows)))
    assert source.attributes == {"class": tuple("9" * (17 + index) for index in range(6))}


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("memory_mb", [0, 10])
def test_pictures_in_order_of_their_names(tmp_path: Path, kind: str, memory_mb: int) -> None:
    clutter = {".hidden.png": b"", "__MACOSX/0.png": b"", "notes.txt": b"hello"}
    source = opened(put(tmp_path, FLAT | clutter, kind), memory_mb=memory_mb)
    assert isinstance(source, ArraySource if memory_mb else FolderSource)
    assert (len(source), source.shape, source.labels, source.notes) == (6, (8, 10, 3), None, ())
    np.testing.assert_array_equal(source.read(np.array([4, 0, 4])), PIXELS[[4, 0, 4]])
    assert source.digest == ArraySource("", PIXELS, None, {}).digest


def test_zip_is_read_by_many_threads(tmp_path: Path) -> None:
    source = opened(put(tmp_path, FLAT, "zip"), memory_mb=0)
    orders = [np.random.default_rng(seed).integers(0, 6, 20) for seed in range(16)]
    with ThreadPoolExecutor(8) as pool:
        for order, images in zip(orders, pool.map(source.read, orders), strict=True):
            np.testing.assert_array_equal(images, PIXELS[order])


def test_all_kinds_of_pictures(tmp_path: Path) -> None:
    grey = noise(1, 12, 12)[0]
    files = {
        "grey.png": encoded(grey),
        "wide.png": encoded(grey.astype(np.uint16) * 257),
        "rgba.png": encoded(noise(1, 30, 20, 4)[0]),
        "photo.JPG": encoded(noise(1, 9, 40, 3)[0], "JPEG"),
        "palette.gif": encoded(grey, "GIF"),
        "scan.tif": encoded(grey, "TIFF"),
        "web.webp": encoded(noise(1, 12, 12, 3)[0], "WEBP"),
    }
    spec = put(tmp_path, files)
    assert opened(spec, resolution=(16, 24)).shape == (16, 24, 3)
    with pytest.raises(DataError, match=r"differ in size, 12x12 \(5\).*choose one with --resolution HxW"):
        opened(spec)
    names = sorted(files)
    images = opened(spec, resolution=(12, 12), channels=1).read(np.arange(len(names)))
    for name in ("grey.png", "wide.png", "palette.gif", "scan.tif"):
        np.testing.assert_array_equal(images[names.index(name), ..., 0], grey)


def test_grey_pictures_have_one_channel(tmp_path: Path) -> None:
    files = {f"{index}.png": encoded(pixels) for index, pixels in enumerate(noise(3, 8, 8))}
    assert opened(put(tmp_path, files)).shape == (8, 8, 1)
    assert opened(put(tmp_path, files), channels=3).shape == (8, 8, 3)


@pytest.mark.parametrize("memory_mb", [0, 10])
def test_exif_orientation(tmp_path: Path, memory_mb: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned a quarter to the right
    pixels = noise(1, 8, 12, 3)[0]
    files = {f"{index}.png": encoded(pixels, exif=exif) for index in range(2)}
    source = opened(put(tmp_path, files), memory_mb=memory_mb)
    assert source.shape == (12, 8, 3)
    np.testing.assert_array_equal(source.read(np.array([1]))[0], np.rot90(pixels, -1))


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("top", ["", "pets/"])
def test_class_folders(tmp_path: Path, kind: str, top: str) -> None:
    files = {f"{top}{name}/{index}.png": FLAT[f"{index}.png"] for index, name in enumerate(["dog", "cat"] * 3)}
    source = opened(put(tmp_path, files, kind), conditional=True)
    assert source.attributes == {"class": ("cat", "dog")}
    assert source.labels is not None
    assert source.labels.tolist() == [[0], [0], [0], [1], [1], [1]]
    np.testing.assert_array_equal(source.read(np.array([0, 5])), PIXELS[[1, 4]])
    unlabelled = opened(source.spec, conditional=False)
    assert (unlabelled.labels, unlabelled.attributes) == (None, {})


def test_pictures_beside_class_folders(tmp_path: Path) -> None:
    source = opened(put(tmp_path, {"a/0.png": FLAT["0.png"], "b/1.png": FLAT["1.png"], "2.png": FLAT["2.png"]}))
    assert (source.labels, source.attributes) == (None, {})
    assert source.notes == ("1 of 3 pictures lie in no class folder: no labels are used",)
    with pytest.raises(DataError, match=r"has no labels and conditional is true"):
        opened(source.spec, conditional=True)


def test_table_with_one_label_column(tmp_path: Path) -> None:
    rows = [f"{10 - index},{index}.png" for index in range(6)]
    source = opened(put(tmp_path, FLAT | table("age,picture", *rows)))
    assert source.attributes == {"class": ("5", "6", "7", "8", "9", "10")}
    assert source.labels is not None
    assert source.labels.tolist() == [[5], [4], [3], [2], [1], [0]]


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_table_with_several_label_columns(tmp_path: Path, kind: str) -> None:
    files = {f"images/{name}": content for name, content in FLAT.items()}
    rows = [f"{index}.png,{'ab'[index % 2]},{index // 2}" for index in range(6)]
    spec = put(tmp_path, files | table("file,hair,eyes", *rows), kind)
    hair, eyes = opened(spec + "#hair"), opened(spec + "#eyes", conditional=True)
    assert hair.labels is not None
    assert eyes.labels is not None
    assert (hair.labels[:, 0].tolist(), eyes.labels[:, 0].tolist()) == ([0, 1, 0, 1, 0, 1], [0, 0, 1, 1, 2, 2])
    assert (hair.attributes, eyes.attributes) == ({"class": ("a", "b")}, {"class": ("0", "1", "2")})
    unlabelled = opened(spec)
    assert (unlabelled.labels, unlabelled.attributes) == (None, {})
    assert "hair, eyes: none is used; choose one or more, as in folder:PATH#COLUMN,COLUMN" in unlabelled.notes[0]
    with pytest.raises(DataError, match=r"needs label columns: labels.csv has the label columns hair, eyes; choose"):
        opened(spec, conditional=True)
    assert opened(spec + "#hair,eyes", conditional=False).labels is None


SEVERAL = table("hair,file,eye colour, left", *[f"{'ab'[i % 2]},{i}.png,{i // 2},{'xyz'[i % 3]}" for i in range(6)])


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("memory_mb", [0, 10])
def test_several_columns_are_several_attributes(tmp_path: Path, kind: str, memory_mb: int) -> None:
    source = opened(put(tmp_path, FLAT | SEVERAL, kind) + "#eye colour,hair", memory_mb=memory_mb, conditional=True)
    # In the order in which they are named.
    assert list(source.attributes.items()) == [("eye colour", ("0", "1", "2")), ("hair", ("a", "b"))]
    assert source.labels is not None
    assert source.labels.dtype == np.int32
    assert source.labels.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]
    assert source.notes == ()
    images = opened(source.spec, memory_mb=memory_mb, conditional=False)
    one = opened(source.spec.replace(",hair", ""), memory_mb=memory_mb)
    assert len({source.digest, images.digest, one.digest}) == 3


def test_spaces_and_commas_in_the_names_of_columns(tmp_path: Path) -> None:
    spec = put(tmp_path, FLAT | SEVERAL)
    assert list(opened(spec + "#hair, eye colour").attributes) == ["hair", "eye colour"]
    assert list(opened(spec + "#hair, left").attributes) == ["hair", " left"]
    rows = [f"{i}.png,{i % 2},{i % 3}" for i in range(6)]
    spec = put(tmp_path / "comma", FLAT | table('file,"a,b",a', *rows))
    assert opened(spec + "#a,b").attributes == {"class": ("0", "1")}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("nose", "has no label column 'nose': legal:  left, eye colour, hair"),
        ("hair,eyes", "has no label column 'eyes'"),
        ("hair,eye color", "did you mean 'eye colour'"),
        ("hair,", "has no label column ''"),
        ("", "names no label column behind its #"),
        ("file", "has no label column 'file'"),
        ("hair,eye colour,hair", "the label column 'hair' of .* is named twice: name it once"),
    ],
)
def test_columns_refused(tmp_path: Path, columns: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(f"{put(tmp_path, FLAT | SEVERAL)}#{columns}")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (table("file,class", *[f"{i}.png,x" for i in range(5)]), r"1 pictures without a row \(5.png\), 0 rows without"),
        (table("file,class", *[f"{i}.png,x" for i in range(8)]), r"0 pictures without a row, 2 rows .* \(6.png\)"),
        (table("file,class", *[f"{i % 6}.png,x" for i in range(7)]), "names 1 files more than once"),
        (
            table("file,class", *[f"{i}.png,{'x' * i}" for i in range(6)]),
            "leaves 1 labels of the column 'class' empty, .* of '0.png'",
        ),
        (table("file,class", "0.png"), "rows with more or fewer cells"),
        (table("file,class", "0.png,a,b"), "rows with more or fewer cells"),
        (table("name,class", "zero,a"), "has no column of file names: call it 'file', with names as in '0.png'"),
        ({"labels.csv": b""}, "has no column of file names"),
        ({"labels.csv": b"\xff\xfe\x00"}, "is not a table in UTF-8"),
        ({"labels.csv": b'file,class\n"0.png,a'}, "is not a table in UTF-8"),
    ],
)
def test_tables_refused(tmp_path: Path, files: Files, message: str) -> None:
    with pytest.raises(DataError, match=message):
        opened(put(tmp_path, FLAT | files))


def test_column_without_table_and_hash_in_path(tmp_path: Path) -> None:
    spec = put(tmp_path, FLAT)
    with pytest.raises(DataError, match=r"has no labels.csv, so there is no column 'hair,eyes': .* drop #hair,eyes"):
        opened(spec + "#hair,eyes")
    (tmp_path / "set").rename(tmp_path / "set#1")
    assert len(opened(f"folder:{tmp_path / 'set#1'}")) == 6


def many(count: int, broken: Files) -> Files:
    return {f"{index:03}.png": FLAT["0.png"] for index in range(count)} | broken


@pytest.mark.parametrize("memory_mb", [0, 10])
def test_broken_pictures_are_named_skipped_and_counted(tmp_path: Path, memory_mb: int) -> None:
    # Cut so early that nothing is left to show: one in its header, one in its pixels.
    files = many(200, {"a/bad.png": b"not a picture", "a/cut.png": encoded(noise(1, 8, 10, 3)[0])[:-60]})
    rows = [f"{name},{index % 2}" for index, name in enumerate(sorted(files))]
    source = opened(put(tmp_path, files | table("file,class", *rows)), memory_mb=memory_mb)
    assert source.notes == ("skipped 2 broken pictures of 202: a/bad.png, a/cut.png",)
    assert len(source) == 200
    assert source.labels is not None
    assert source.labels[:, 0].tolist() == [index % 2 for index in range(200)]
    np.testing.assert_array_equal(source.read(np.array([199])), PIXELS[[0]])


def test_more_than_one_percent_broken(tmp_path: Path) -> None:
    spec = put(tmp_path, many(300, {f"{letter}.png": b"" for letter in "wxyz"}))
    with pytest.raises(
        DataError, match=r"4 of 304 pictures are broken, more than 1 %: w.png, x.png, y.png, ...: repair"
    ):
        opened(spec)
    with pytest.raises(DataError, match=r"none of its 1 pictures can be read"):
        opened(put(tmp_path, {"only.png": b""}, "zip"))


def test_bombs_count_as_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = put(tmp_path, many(200, {"big.png": encoded(np.zeros((40, 40), np.uint8))}), "zip")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert opened(spec, resolution=(8, 10), channels=3).notes == ("skipped 1 broken picture of 201: big.png",)
    monkeypatch.setattr(pictures, "_MAX_FILE_BYTES", 10)
    with pytest.raises(DataError, match=r"201 of 201 pictures are broken"):
        opened(spec, resolution=(8, 10), channels=3)


def test_a_picture_that_breaks_later(tmp_path: Path) -> None:
    source = opened(put(tmp_path, FLAT), memory_mb=0)
    (tmp_path / "set" / "3.png").unlink()
    with pytest.raises(DataError, match=r"3.png could be read before and now cannot"):
        source.read(np.array([2, 3]))


def test_links_are_followed_and_lead_nowhere_twice(tmp_path: Path) -> None:
    pixels = noise(4, 8, 8, 3)
    put(tmp_path, {f"{'ab'[i % 2]}/{i}.png": encoded(pixels[i]) for i in range(4)})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "9.png").write_bytes(encoded(pixels[0]))
    (tmp_path / "set" / "c").symlink_to(tmp_path / "other")
    (tmp_path / "set" / "a" / "up").symlink_to("..")
    (tmp_path / "other" / "back").symlink_to(tmp_path / "set" / "a")
    names = pictures.Pictures(tmp_path / "set").names
    assert list(names) == ["a/0.png", "a/2.png", "b/1.png", "b/3.png", "c/9.png", "c/back/0.png", "c/back/2.png"]


def test_a_folder_that_cannot_be_listed(tmp_path: Path) -> None:
    spec = put(tmp_path, {"0.png": encoded(noise(1, 8, 8, 3)[0])})
    (tmp_path / "set" / "itself").symlink_to("itself")
    with pytest.raises(DataError, match=r"itself cannot be listed: Too many levels of symbolic links"):
        opened(spec)


def test_missing_and_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder or .zip"):
        opened(f"folder:{tmp_path / 'absent'}")
    with pytest.raises(DataError, match=r"needs the path of a folder"):
        opened("folder:")
    with pytest.raises(DataError, match=r"holds no pictures: it needs files that end in .bmp"):
        opened(put(tmp_path, {"notes.txt": b""}))
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(DataError, match=r"cannot be read as a .zip"):
        opened(f"folder:{tmp_path / 'text.zip'}")


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, FLAT)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(opened("folder:~/set")) == 6
