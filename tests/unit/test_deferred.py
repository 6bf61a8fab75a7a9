"""A part of a library that is deferred costs nothing until it is used, and is then what it would have been."""

import sys
import threading
from importlib import import_module
from typing import Optional

import pytest

from twinpin.deferred import absent, bare, deferred, later

FILES = {
    "__init__.py": "ran = ['package']\nfrom late_library import part\nfrom late_library.part import NAME\n",
    "part.py": "import late_library\nlate_library.ran.append('part')\nNAME = 'part'\n",
    "alone.py": "VALUE = 1\n",
    "shapes.py": "class Shape:\n    SIDES = 4\n    def sides(self):\n        return self.SIDES\n\n\nOTHER = 2\n",
    "broken.py": "raise RuntimeError('as its code says')\n",
    "slow.py": "import time\nSTARTED = True\ntime.sleep(0.3)\nDONE = True\n",
}


@pytest.fixture(autouse=True)
def library(tmp_path, monkeypatch):
    """A package whose parts need its own code to have run first."""
    folder = tmp_path / "late_library"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [each for each in sys.modules if each.partition(".")[0] == "late_library"]:
        del sys.modules[name]


def test_a_deferred_module_runs_when_something_of_it_is_used():
    """Its parts are imported after it, in the order that they need."""
    with deferred("late_library"):
        import late_library  # noqa: PLC0415

    assert "ran" not in vars(late_library)
    assert late_library.NAME == "part"
    assert late_library.ran == ["package", "part"]


def test_a_part_of_a_deferred_package_runs_the_package_first():
    """As it would without."""
    with deferred("late_library"):
        import_module("late_library")
    part = import_module("late_library.part")

    assert part.NAME == "part"
    assert sys.modules["late_library"].ran == ["package", "part"]


def test_parts_of_a_bare_package_do_without_it():
    """Within the block; whoever asks the package for more later gets all of it."""
    with bare("late_library"):
        from late_library.alone import VALUE  # noqa: PLC0415
    package = sys.modules["late_library"]

    assert VALUE == 1
    assert "ran" not in vars(package)
    assert package.NAME == "part"


def test_after_the_block_a_part_of_a_bare_package_runs_it_first():
    """Else parts that need each other might meet half-made."""
    with bare("late_library"):
        import_module("late_library.alone")
    import_module("late_library.part")

    assert sys.modules["late_library"].ran == ["package", "part"]


def test_what_a_module_has_not_it_has_not_later_either():
    """The error is the usual one."""
    with deferred("late_library.alone"):
        alone = import_module("late_library.alone")

    with pytest.raises(AttributeError, match="alone"):
        _ = alone.OTHER
    assert alone.VALUE == 1


@pytest.mark.parametrize("put_off", [deferred, bare])
def test_whoever_lists_a_module_sees_all_of_it(put_off):
    """Libraries find classes so."""
    with put_off("late_library"):
        import_module("late_library.alone" if put_off is bare else "late_library")
        listed = dir(sys.modules["late_library"])

    assert {"ran", "part", "NAME"} <= set(listed)


def test_a_module_that_fails_fails_where_it_is_used():
    """Each time, with its own error."""
    with deferred("late_library.broken"):
        broken = import_module("late_library.broken")

    for _ in range(2):
        with pytest.raises(RuntimeError, match="as its code says"):
            _ = broken.VALUE


def test_two_threads_that_come_at_once_see_the_whole_module():
    """The second waits for what the first runs."""
    with deferred("late_library.slow"):
        slow = import_module("late_library.slow")
    seen = []
    threads = [threading.Thread(target=lambda: seen.append(slow.DONE)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [True] * 4


def test_a_module_that_is_not_there_is_missed_at_once():
    """Libraries that try an import and go on without it do so as ever."""
    with deferred("late_library.nowhere"), pytest.raises(ModuleNotFoundError):
        import_module("late_library.nowhere")


def test_what_is_absent_cannot_be_imported_and_is_there_afterwards():
    """What was imported before stays."""
    with absent("late_library", "threading"):
        with pytest.raises(ModuleNotFoundError):
            import_module("late_library")
        assert import_module("threading") is threading

    assert import_module("late_library").NAME == "part"


def test_what_is_taken_for_later_is_imported_when_it_is_used():
    """Not when it is taken, nor by an annotation that names it."""
    with later("late_library.shapes", "Shape"):
        from late_library.shapes import Shape  # noqa: PLC0415

        assert Optional[Shape]  # noqa: UP045 -- asks it for more than `|` does

    assert "OTHER" not in vars(sys.modules["late_library.shapes"])
    assert (Shape().sides(), Shape.SIDES) == (4, 4)
    assert import_module("late_library.shapes").Shape.SIDES == 4


def test_what_is_taken_for_later_is_a_class_to_those_who_need_one():
    """It can be a base, and knows its instances."""
    with later("late_library.shapes", "Shape"):
        from late_library.shapes import Shape  # noqa: PLC0415

        class Triangle(Shape):
            SIDES = 3

    real = import_module("late_library.shapes").Shape
    assert Triangle().sides() == 3
    assert isinstance(real(), Shape)
    assert isinstance(Triangle(), real)
    assert not isinstance(3, Shape)


def test_who_takes_anything_else_gets_it():
    """In the block as well, as another thread may; the error for what is not there is the usual one."""
    with later("late_library.shapes", "Shape"):
        from late_library.shapes import OTHER, Shape  # noqa: PLC0415

        assert OTHER == 2
        assert Shape is import_module("late_library.shapes").Shape
        with pytest.raises(ImportError):
            exec("from late_library.shapes import NOTHING")


def test_a_name_of_a_package_is_taken_without_its_code():
    """A part of it is imported as of a bare package, as when a pickle names its class."""
    with later("late_library", "NAME"):
        from late_library import NAME  # noqa: PLC0415

        assert import_module("late_library.alone").VALUE == 1
        assert "ran" not in vars(sys.modules["late_library"])
    assert NAME.upper() == "PART"
    assert sys.modules["late_library"].ran == ["package", "part"]


def test_a_module_that_is_there_is_used_as_it_is():
    """Nothing stands in its place."""
    shapes = import_module("late_library.shapes")
    with later("late_library.shapes", "Shape"):
        assert import_module("late_library.shapes") is shapes

    assert sys.modules["late_library.shapes"] is shapes
