"""Kamailio's configuration, made from the trunk's options."""

from __future__ import annotations

import importlib.resources
import ipaddress
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, final

from drivers.taps.sip._options import Options
from drivers.taps.sip.front._program import Program

_CHILDREN: Final = 2  # processes a socket
_STRANGERS_PER_S: Final = 50  # who is no peer is told so, this often; the rest is dropped
_PAIR: Final = 2  # ports a worker has: SIP and, one above, metadata

_MEDIA_MODULES: Final = """loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:{port}")
modparam("rtpengine", "rtpengine_tout_ms", 500)
modparam("rtpengine", "rtpengine_disable_tout", 2)
modparam("rtpengine", "queried_nodes_limit", 1)"""
_NOTHING: Final = "$var(n) = 0;"  # Kamailio takes no empty block
_FOR_WORKERS: Final = "RTP/AVP ICE=remove rtcp-mux-demux SDES-off DTLS=off replace-origin"
_CODECS: Final = "codec-mask-all codec-except-PCMU codec-except-PCMA codec-except-G722"
_MEDIA_OFFER: Final = f"""  if ($rb == $null || $rb == "") {{ setflag(FLAG_LATE); return; }}
  if (!rtpengine_offer("{_FOR_WORKERS} {_CODECS} codec-transcode-%s")) {{ t_reply("503", "No Media"); exit; }}
  msg_apply_changes();"""
_MEDIA_ANSWER: Final = """    if ($rb != $null && $rb != "") {
      if (isflagset(FLAG_LATE)) { rtpengine_offer("RTP/AVP ICE=remove replace-origin"); }
      else { rtpengine_answer("replace-origin"); }
    }"""
_MEDIA_LATE: Final = """if ($rb != $null && $rb != "") { rtpengine_answer("replace-origin"); }"""


@final
class Configuration:
    """The files of one front in ``folder``. Worker k of the tap holds ``shares[k]`` calls."""

    def __init__(self, options: Options, program: Program, folder: Path, shares: Sequence[int]) -> None:
        self._options = options
        self._program = program
        self._folder = folder
        self._shares = shares

    @property
    def path(self) -> Path:
        """The main file. Its name tells our processes from others."""
        return self._folder / "kamailio.cfg"

    def write(self) -> None:
        """Write the files. Certificate and key are there already."""
        text = importlib.resources.files(__package__).joinpath("kamailio.cfg").read_text(encoding="utf-8")
        for name, value in self._values().items():
            text = text.replace(f"@{name}@", value)
        self.path.write_text(text, encoding="utf-8")
        if self._options.tls_port:
            (self._folder / "tls.cfg").write_text(self._tls(), encoding="utf-8")

    def _values(self) -> Mapping[str, str]:
        options, first = self._options, self._options.worker_port(0)
        all_per_s = options.calls_per_s * len(self._shares)
        return {
            "CALLS": str(sum(self._shares)),
            "CALLS_PER_S": str(all_per_s),
            "CAPACITIES": "\n".join(
                f"  $sht(calls=>{k}) = {calls};\n  $sht(up=>{k}) = 0;\n  $sht(elders=>{k}) = 0;"
                for k, calls in enumerate(self._shares)
            ),
            "CHILDREN": str(_CHILDREN),
            "FIRST_PORT": str(first),
            "FOLDER": str(self._folder),
            "INSIDE_PORT": str(options.inside_port),
            "LISTEN": "\n".join(self._listen()),
            "MEDIA_MODULES": _MEDIA_MODULES.format(port=options.engine_port) if self._with_engine else "",
            "MEDIA_OFFER": _MEDIA_OFFER % self._made_codec if self._with_engine else "  return;",
            "MEDIA_ANSWER": _MEDIA_ANSWER if self._with_engine else _NOTHING,
            "MEDIA_LATE": _MEDIA_LATE if self._with_engine else _NOTHING,
            "MEDIA_END": "rtpengine_delete();" if self._with_engine else _NOTHING,
            "MODULES": f"{self._program.modules}/",
            "PAST_PORT": str(first + _PAIR * len(self._shares)),
            "PEER_CALLS_PER_S": str(options.peer_calls_per_s or max(1, all_per_s * 3 // 4)),
            "PEERS": _allow(options.peers),
            "TIMER": "" if self._with_engine else ", timer",  # see drivers.taps.sip._library
            "TLS_CORE": "enable_tls=yes" if options.tls_port else "",
            "TLS_MODULES": self._tls_module() if options.tls_port else "",
            "WHILE_LOOPS": str(len(self._shares) + 100),
            "WORKERS": str(len(self._shares)),
        }

    @property
    def _with_engine(self) -> bool:
        return self._options.media == "rtpengine"

    @property
    def _made_codec(self) -> str:
        """What rtpengine makes of other codecs: one that the trunk takes, G722 where all of its band is stored."""
        wide = self._options.stores_wide_band
        return min(self._options.codecs, key=lambda codec: (codec == "G722") != wide)

    def _listen(self) -> list[str]:
        host, port, tls_port = self._options.host, self._options.port, self._options.tls_port
        plain = [f'listen=udp:{host}:{port} name "outside"', f"listen=tcp:{host}:{port}"]
        return [*plain, f"listen=tls:{host}:{tls_port}"] if tls_port else plain

    def _tls_module(self) -> str:
        return f'loadmodule "tls.so"\nmodparam("tls", "config", "{self._folder}/tls.cfg")'

    def _tls(self) -> str:
        certificate = self._options.tls_certificate or self._folder / "own.crt"
        key = self._options.tls_key or self._folder / "own.key"
        lines = ["[server:default]", "method = TLSv1.2+", "verify_certificate = no", "require_certificate = no"]
        return "\n".join([*lines, f"private_key = {key}", f"certificate = {certificate}"]) + "\n"


def _allow(peers: Sequence[str]) -> str:
    """Routing that turns away who is none of the peers; nothing where there is no list."""
    if not peers:
        return "  return;"
    networks = [ipaddress.ip_network(peer, strict=False) for peer in peers]
    tests = " && ".join(f"src_ip != {network.network_address}/{network.netmask}" for network in networks)
    return "\n".join(
        [
            f"  if ({tests}) {{",
            '    if (pl_check("strangers", "TAILDROP", "1")) xlog("L_NOTICE", "linetap:stranger $proto:$si:$sp\\n");',
            f'    if (!is_method("ACK") && pl_check("turned-away", "TAILDROP", "{_STRANGERS_PER_S}")) {{',
            '      sl_send_reply("403", "Forbidden");',
            "    }",
            "    exit;",
            "  }",
        ]
    )
