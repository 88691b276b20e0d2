"""Those parts of making an image that decide something; the making itself is shown by ``make hil``."""

from __future__ import annotations

import gzip
import lzma
import re
import struct
from pathlib import Path

import pytest

from hil.rig.errors import BuildError, HostUnfitError
from hil.rig.image import host, steps
from hil.rig.image.initrd import load_order
from hil.rig.image.kernel import unpack_image
from hil.rig.image.libraries import LEFT_OUT, LOCK, without
from hil.rig.image.packages import GUEST_PACKAGES, HOST_PACKAGES, read_packages
from hil.rig.image.sound import write_names

DEPENDENCIES = """\
kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko
kernel/fs/jbd2/jbd2.ko: kernel/lib/crc-other.ko
kernel/fs/mbcache.ko:
kernel/lib/crc16.ko:
kernel/lib/crc-other.ko:
"""


def test_modules_are_loaded_after_those_that_they_need() -> None:
    order = [Path(file).stem for file in load_order(DEPENDENCIES, ["jbd2", "ext4", "built_in", "crc_other"])]
    assert order == ["crc-other", "jbd2", "crc16", "mbcache", "ext4"]


def boot_image(payload: bytes) -> bytes:
    """A kernel image whose real-mode part is 4 sectors long, with the payload 32 octets behind it."""
    header = bytearray(5 * 512)
    header[0x1F1] = 4
    struct.pack_into("<II", header, 0x248, 32, len(payload))
    return bytes(header) + bytes(32) + payload + b"rest"


@pytest.mark.parametrize("pack", [lzma.compress, gzip.compress])
def test_the_kernel_is_found_in_its_image(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    image = tmp_path / "vmlinuz"
    image.write_bytes(boot_image(pack(b"\x7fELF kernel")))
    assert unpack_image(image) == b"\x7fELF kernel"


def test_an_unknown_packing_is_named(tmp_path: Path) -> None:
    image = tmp_path / "vmlinuz"
    image.write_bytes(boot_image(b"\x28\xb5\x2f\xfd...."))
    with pytest.raises(BuildError, match="28b52ffd"):
        unpack_image(image)


def test_the_mirror_is_the_hosts_own_and_debians_alone() -> None:
    index = """\
Debian|bookworm|http://mirror.example/debian/|bookworm|main
Debian|bookworm|http://mirror.example/debian/|bookworm|contrib
Debian|bookworm-security|http://mirror.example/security/|bookworm-security|main
Debian|trixie|http://mirror.example/debian/|trixie|main
Node|nodistro|http://node.example/|nodistro|main
Debian|bookworm|http://mirror.example/debian/|bookworm|main
"""
    assert host.debian_sources(index) == (
        "deb http://mirror.example/debian/ bookworm main",
        "deb http://mirror.example/security/ bookworm-security main",
    )
    with pytest.raises(HostUnfitError, match="apt-get update"):
        host.debian_sources("Node|nodistro|http://node.example/|nodistro|main")


def test_missing_packages_are_named() -> None:
    assert host.missing_packages(["dpkg", "no-such-package-here"]) == ["no-such-package-here"]


@pytest.mark.parametrize("path", [HOST_PACKAGES, GUEST_PACKAGES])
def test_every_package_has_a_reason(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert read_packages(path) == [line.split()[0] for line in lines]
    assert all(len(line.split()) > 1 for line in lines)
    assert len(set(read_packages(path))) == len(lines)


def test_packages_are_left_out_of_the_lock_with_their_hashes() -> None:
    a, b, c = (f"{name}==1 \\\n    --hash=sha256:{name}{name}\n" for name in "abc")
    assert without(f"# made by\n{a}{b}{c}", frozenset({"b"})) == f"# made by\n{a}{c}"


def test_what_is_left_out_stands_in_the_lock_and_what_tests_need_stays() -> None:
    lock = LOCK.read_text()
    names = set(re.findall(r"(?m)^([a-z0-9.-]+)==", lock))
    assert names >= LEFT_OUT
    kept = set(re.findall(r"(?m)^([a-z0-9.-]+)==", without(lock, LEFT_OUT)))
    assert kept == names - LEFT_OUT
    assert kept >= {"numpy", "pytest", "pytest-asyncio", "pytest-timeout", "fastapi"}


def test_each_line_has_a_name_at_both_ends() -> None:
    names = re.findall(
        r'pcm\.(\w+) \{\n    type hw\n    card "(L\d)"\n    device (\d)\n    subdevice (\d)', write_names()
    )
    assert len(names) == 64
    assert ("play00", "L0", "0", "0") in names
    assert ("rec31", "L3", "1", "7") in names


def test_a_step_that_fails_shows_the_end_of_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"try ended with 3:\nfirst\nwrong") as caught:
        steps.run(tmp_path, "try", ["sh", "-c", "echo first; echo wrong >&2; exit 3"])
    assert "Traceback" not in str(caught.value)
    assert (tmp_path / "try.log").read_text() == "wrong\n"


def test_a_step_that_hangs_or_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="slow did not end"):
        steps.run(tmp_path, "slow", ["sleep", "30"], timeout_s=0.2)
    with pytest.raises(BuildError, match="no-such-program"):
        steps.run(tmp_path, "gone", ["no-such-program"])
