"""Deferred imports: parts of a library that it imports and a process of ours never uses.

Each is made by the import system as always, but its code runs at the first look at what it defines. So a guess that was
wrong costs the time that it was to save, and nothing else. `importlib.util.LazyLoader` does the same for one thread
(Python 3.11 and 3.12 let a second thread see a module that is half made), and always runs a package before its parts.
"""

import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Defer the modules of these names that are imported meanwhile and were not before."""
    with _found(_Finder(dict.fromkeys(names, ()), parts=False)):
        yield


@contextmanager
def bare(*packages: str) -> Iterator[None]:
    """Defer the code of these packages' own `__init__`: modules of theirs that are imported meanwhile do without it.

    Those that are imported later come after it, as ever: in another order they may need each other in a circle.
    """
    with _opened(dict.fromkeys(packages, ())):
        yield


@contextmanager
def later(module: str, *names: str) -> Iterator[None]:
    """Let others take these functions or classes of a module meanwhile, and defer its code until one is used."""
    with _opened({module: names}):
        yield


@contextmanager
def _opened(modules: Mapping[str, Sequence[str]]) -> Iterator[None]:
    """Defer modules that have parts, and names for others to take, as long as this lasts."""
    before = {name for name in modules if name in sys.modules}
    try:
        with _found(_Finder(modules, parts=True)):
            yield
    finally:
        for name in set(modules) - before:
            module = sys.modules.get(name)
            if isinstance(module, _Module):
                vars(module)["__loader__"].seal(module)


@contextmanager
def absent(*names: str) -> Iterator[None]:
    """Hide libraries that others take where they are installed and do without else."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type] # Python's own mark of what must not be found
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def _found(finder: "_Finder") -> Iterator[None]:
    """Ask the finder before all others."""
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


class _Module(ModuleType):
    """A module whose code has not run."""

    def __getattr__(self, name: str) -> object:
        """Run the code, since something is asked for that only it can make, or a part that is a module itself."""
        loader = vars(self)["__loader__"]
        if loader.has_part(self, name):
            return import_module(f"{self.__name__}.{name}")
        if not loader.is_single(name):
            loader.run(self)
        if type(self) is not _Module:
            return getattr(self, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} yet, its code runs", name=name)

    def __dir__(self) -> list[str]:
        """Run the code, since all is asked for that it makes: skops trusts the estimators that it finds so."""
        loader = vars(self)["__loader__"]
        loader.run(self)
        return sorted(vars(self))


class _Loader(Loader):
    """Makes a module now and runs its code later, once."""

    def __init__(self, real: Loader, names: Sequence[str], *, parts: bool) -> None:
        self._real = real
        self._names = names
        self._parts = parts
        self._path: Any = None
        self._lock = threading.RLock()
        self._begun = False

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Make it empty."""
        return ModuleType(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Put the code off."""
        module.__class__ = _Module
        vars(module).update({name: _Later(module, name) for name in self._names})
        if not self._parts:
            self.seal(module)

    def seal(self, module: ModuleType) -> None:
        """Hide where its parts are, so that a look at one runs the code first, and what only stands for another."""
        self._parts = False
        self._withdraw(module)
        self._path = vars(module).pop("__path__", None)
        if self._path is not None:
            _MADE.packages.add(module.__name__)
            if _MADE not in sys.meta_path:
                sys.meta_path.insert(0, _MADE)

    def has_part(self, module: ModuleType, name: str) -> bool:
        """Whether a package that may be without its code has a module of that name."""
        path = vars(module).get("__path__")
        if path is None or not self._parts or self._begun or name.startswith("__"):
            return False
        return PathFinder.find_spec(f"{module.__name__}.{name}", path) is not None

    def is_single(self, name: str) -> bool:
        """Whether the import system asks for the parts of a module that has none, as it does when a name is taken."""
        return self._parts and name == "__path__"

    def _withdraw(self, module: ModuleType) -> None:
        """Take back what only stands for another."""
        for name in self._names:
            vars(module).pop(name, None)
        self._names = ()

    def run(self, module: ModuleType) -> None:
        """Run the code unless it runs or ran; another thread waits for its end."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
            self._withdraw(module)
            if self._path is not None:
                module.__path__ = self._path
            try:
                self._real.exec_module(module)
            except BaseException:
                self._begun = False
                raise
            module.__class__ = ModuleType


class _Later:
    """Stands for a function or a class that is called, or asked for what it defines."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module = module
        self._name = name

    def _real(self) -> Any:
        """Find it, though it may be used before all others have taken theirs."""
        if isinstance(self._module, _Module):
            vars(self._module)["__loader__"].run(self._module)
        return getattr(self._module, self._name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the real one."""
        return self._real()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Ask the real one, but for what `typing` asks of annotations, which a function has not either."""
        if name.startswith("__"):
            raise AttributeError(f"{self._name} is not imported yet", name=name)
        return getattr(self._real(), name)

    def __mro_entries__(self, _bases: tuple[object, ...]) -> tuple[Any, ...]:
        """Be the base of a class."""
        return (self._real(),)

    def __instancecheck__(self, instance: object) -> bool:
        """Tell its instances."""
        return isinstance(instance, self._real())


class _Made(MetaPathFinder, Loader):
    """Finds parts that their package made when it was asked where they are.

    The import system looks for a part among the modules, then asks the package, then makes the part: a second time,
    if the package, whose code ran only then, has made it.
    """

    def __init__(self) -> None:
        self.packages: set[str] = set()

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find what is there."""
        if fullname.rpartition(".")[0] not in self.packages or target is not None or fullname not in sys.modules:
            return None
        return ModuleSpec(fullname, self, loader_state=sys.modules[fullname].__spec__)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return it."""
        return sys.modules[spec.name]

    def exec_module(self, module: ModuleType) -> None:
        """Let it be what it was."""
        module.__spec__ = module.__spec__.loader_state  # type: ignore[union-attr]


_MADE = _Made()


class _Finder(MetaPathFinder):
    """Finds modules where they are, to be run later."""

    def __init__(self, modules: Mapping[str, Sequence[str]], *, parts: bool) -> None:
        self._modules = modules
        self._parts = parts

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of ours; None: not ours, or not installed."""
        if fullname not in self._modules:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self._modules[fullname], parts=self._parts)
        return spec
