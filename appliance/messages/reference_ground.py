"""The reference's chapters for all messages: how to talk to the box, its terms, the elements of answers, the codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from appliance.errors import ResultCode

GROUND: Final = """\
## How to talk to the box

A client connects to port 5620 by TCP (or asks port 2012 by HTTP, below), sends a request, and reads one answer. It may
then hang up, or stay and send more. There is no greeting and no log-in unless the box is set to want one; who may
connect is a matter of the box's settings ([settings.md](settings.md)).

```text
client: <REQUEST><TYPE>TEST</TYPE><REQUESTID>1</REQUESTID></REQUEST>CR LF
box:    <RESULT>CR LF
        <REQUESTTYPE>TEST</REQUESTTYPE>CR LF
        <REQUESTID>1</REQUESTID>CR LF
        <RESULTTYPE>API_OK</RESULTTYPE>CR LF
        <RESULTCODE>20</RESULTCODE>CR LF
        <RESULTMSG>API_OK</RESULTMSG>CR LF
        </RESULT>CR LF
```

### A request

- One XML element REQUEST. TYPE says which message it is, the other elements are its parameters, in any order. The root
  may also be the type itself: `<TEST><REQUESTID>1</REQUESTID></TEST>`.
- It ends with the closing tag of its root. CR LF behind it is good form and not waited for; it may be spread over many
  lines and packets. An XML declaration, comments and blanks before it are skipped; a DOCTYPE is refused.
- Names and fixed words count in any letter case. Elements that a message does not know are ignored. Of an element that
  comes twice the last counts. Where a parameter has several names (the column "also") its own one counts first.
- Values are trimmed at both ends. `&amp;`, `&lt;`, `&gt;`, `&quot;`, `&apos;` and numeric references are decoded, CDATA
  is read; a bare `&` is taken as it stands.
- UTF-8; octets that are not UTF-8 are read as Windows-1252.
- REQUESTID is an integer from 0 to 2147483647 of the client's choice, and comes back in the answer. It need not be
  unique. A missing one is 0, except where a message requires it.
- Several requests may be sent without waiting: the answers come in the order of the requests.
- A request that is begun and not ended is answered with code 16 after `idle_s` (10 s) of silence; one that is longer
  than `max_message_bytes` (256 KiB) is answered with 16, and the box hangs up.

### An answer

- One XML element RESULT in ASCII, one element a line, lines ended by CR LF, the last one too. Read until
  `</RESULT>` CR LF. With the setting `compact` all of it stands on one line.
- First REQUESTTYPE (TYPE as it was sent, in upper case), REQUESTID, RESULTTYPE, RESULTCODE and RESULTMSG; then what the
  message adds. An element without a value is `<X></X>`. What is no ASCII is a numeric reference (`&#233;`).
- **RESULTCODE decides.** 20 is success; 0 and 13 are success of the messages that begin and end a recording; every
  other number is a fault, and then nothing was changed. RESULTTYPE is its label; RESULTMSG says more:

```xml
<RESULT>
<REQUESTTYPE>CALLSTART</REQUESTTYPE>
<REQUESTID>7</REQUESTID>
<RESULTTYPE>API_DEVICE_INVALID</RESULTTYPE>
<RESULTCODE>8</RESULTCODE>
<RESULTMSG>Could not find a device matching given parameters</RESULTMSG>
</RESULT>
```

- Of several faults the first of these answers: no readable request (16); no TYPE, or one that this port does not take
  (15); an unknown TYPE (10); REQUESTID (14); a missing key or required value (8, 5, 33, 26, as the message says); then
  values in the order of the message's table. These may come from any message, also where its list does not name them;
  so may 11 when something inside the box fails (its log has the details).

### Values

| in the tables | means |
|---|---|
| text, 20; longer is cut | at most 20 characters are kept, the rest is dropped and logged (refused with 11 where the \
setting `strict_lengths` says so); a blank value clears what was there |
| text, 64; longer is refused | something is found by it, so it is never cut: the code in the column "fault"; a blank \
value counts as not given |
| integer, 0 to 100 | decimal digits, with a sign if you like; a blank value counts as not given |
| Y or N; one of … | in any letter case; a blank value counts as not given |

Not given and blank are the same for keys, numbers and fixed words. "While nobody says" names the default.

### By HTTP

`GET` or `POST` to `/webAPI.aspx` (or `/webAPI.php`) on port 2012, with the same names and values in the query, in a
body of `application/x-www-form-urlencoded`, or in both (the body counts first):

```text
GET /webAPI.aspx?type=callupdate&requestid=8&deviceid=5551&user1=Silver%20plan HTTP/1.1
Host: box.example.com
```

Encode values as URLs want it (`%26` for `&`, `+` or `%20` for a blank), in UTF-8. The answer is the same RESULT
document with status 200 and `Content-Type: text/xml`, also for faults; EXPORT gives the audio instead. Other pages
are 404, a body that is too long is 413; a box with tokens answers 401 to a client without one. Port 2012 understands
HTTPS, too.

### Events

A client that wants to be told what happens connects to port 5621 and sends [EVENTS](#events). Behind the answer come
[event documents](#event-documents) on the same connection for as long as it stands. Port 5620 takes EVENTS as well:
answers and events then follow each other as whole documents, told apart by their roots, RESULT and CALLCOPYEVENT.

### A call, from begin to end

CALLSTART with the DEVICEID of the phone tells that a call began there; its schedules let the box decide whether to
record. CALLUPDATE adds what becomes known later, BLACKOUTSTART and BLACKOUTSTOP silence what must not be kept, CALLSTOP
ends it. RECORDINGUPDATE tells that the recording is saved, with its RECORDID; EXPORT with `uniquefield=recordid`
fetches it, a CALLUPDATE with that RECORDID changes its data afterwards.
"""

TERMS: Final = {
    "agent": "a person who takes calls, known by AGENTID (IMPORTAGENT), with phones, a network user (SYS_USER) and \
a user of a customer system (CRM_USER)",
    "ANI": "number of the caller",
    "blackout": "a span of a call that is kept as silence",
    "call instance": "a name of yours that tells calls apart that go on at one device at once; blank for the only one",
    "channel": "a line of the box that records or plays",
    "core": "a recorder box; most sites have one, whose number is 1",
    "device": "the fixed number of a phone or port, DEVICEID; calls are told of by it, and it is text",
    "device alias": "the number an agent logs in with at whatever phone, DEVICEALIAS; also called phone id",
    "DNIS": "number that was called",
    "gate": "kind of call as the switch sees it: queue, skill, application",
    "group": "GROUP of a call is the switch's group; the groups of ADDGROUP are those of permissions",
    "record": "what is kept of a recording in the database, known by RECORDID (also called ident)",
    "schedule": "a rule that says which calls are recorded, set at the box",
    "session": "a chat, recorded as a screen without audio, known by SESSIONID",
    "station": "a computer at a desk, STATIONNAME; IMPORTSTATION says which device stands there",
    "trunk": "a line between switches, which carries calls of many devices",
    "USER1 to USER15": "fields of your own, kept with the call and looked up by",
}

ELEMENTS: Final = {
    "ADD_TIME, MOD_TIME": "when it was added and last changed, local time, `3/9/2026 5:05:09 PM`",
    "AGENT": "an agent; in USERS: Y if the user is tied to one",
    "AGENTS, DEVICES, GROUPS, SETTINGS, STATIONS, USERS, CHANNELS": "the list; each entry is one of the singular",
    "APPLICATIONTITLE": "title of the window that the desktop showed last",
    "ARCHIVEACTION": "what becomes of the recording when its days are over; -1 is not set (it is deleted)",
    "CALLDISCRIMINATOR": "the CALLINSTANCE, which tells calls of one device apart",
    "CALLDIRECTION": "I came in, O went out, ? not known",
    "CHANNEL": "number of the line, as in CHANNELS; in CHANNELS one line",
    "COREIDENT": "number of the recorder core",
    "COUNT": "number of entries that follow",
    "DEVICE": "one call of a device, or its last one",
    "ERRORREASON": "NONE, or why nothing is recorded",
    "FIRSTSEQUENCE, LASTSEQUENCE": "numbers of events (SEQUENCE)",
    "GAP": "events that are no longer kept",
    "GLOBALCALLID": "number of the call among all cores: 15 digits, never used twice; blank until it is given",
    "ID": "number of the line, from 0",
    "IPADDRESS": "address of the desktop",
    "ISRECORDING, ISRECORDINGVIDEO": "Y while the call, the screen is recorded; else N",
    "ISTRUNK": "Y for a trunk, else blank",
    "KEEPDAYS": "days that the recording is kept; -1 is not set",
    "LASTSTATECHANGE, LASTSTATECHANGEUNIXTIME": "when the line's state changed: local time, and seconds since 1970 UTC",
    "LASTUPDATE": "when the desktop reported, local time, `Mar 9 2026 5:05PM`",
    "PHONES": "phones of the agent, with commas between",
    "PLAYBACKEXTENSION": "phone that the line plays to",
    "PROCESSOR0, PROCESSOR1": "one for each processor of the box",
    "RECORDING": "what is recorded of the call; FILENAME is where",
    "RECORDINGDEVICE, RECORDINGDEVICEALIAS": "device and alias that the line records, or records by assignment",
    "RECORDINGPATH": "folder of the recordings",
    "RECORDINGSPACEINFO": "free of all space there, in GiB, for people",
    "RECORDINGTOTALDISKCAPACITY, RECORDINGTOTALDISKFREE": "the same in MiB",
    "RECORDINGTOTALDISKFREEPCT": "free share, in percent, two decimals",
    "RESULT, REQUESTTYPE, REQUESTID, RESULTTYPE, RESULTCODE, RESULTMSG": "see [an answer](#an-answer)",
    "SITE_ID": "number of the site; -1 is not set",
    "STARTTIME, STOPTIME": "begin and end of the call, local time, `3/9/2026 5:05:09 PM`; STOPTIME is blank until then",
    "STATE": "what the line does: Idle, OffHook, PreparingToRecord, Waiting, Recording, FinishRecording, Playback, \
DialingForPlayback, Resetting, Error",
    "STATION": "the computer of the call; in STATIONS one station",
    "STATUS": "A active, I inactive, D deleted; of a desktop AVAILABLE",
    "SYSTEMPROCESSORSPEED, SYSTEMPROCESSORTYPE": "clock in MHz, and name",
    "SYSTEMRAMTOTAL, SYSTEMRAMFREE, SYSTEMRAMUSED": "memory in MiB",
    "SYSTEMRAMUSEDPCT": "used share of it in percent, cut to an integer",
    "SYSTEMUPTIME": "time since the box was started, in words",
    "TERMINOLOGY": "one term: NAME is what it is called here, VALUE the word that this site shows",
    "USER": "one user",
}

CODES: Final = {
    ResultCode.API_RECORDING_STARTED: "success: the device is being recorded",
    ResultCode.API_ERROR_ALREADY_RECORDING: "it is being recorded already",
    ResultCode.API_ERROR_OUT_OF_DISK_SPACE: "no room for a recording",
    ResultCode.API_ERROR_NO_FREE_CHANNELS: "no line is free for it",
    ResultCode.API_ERROR_UNKNOWN: "never in normal operation",
    ResultCode.API_DEVICE_ALIAS_UNSPECIFIED: "none of the keys of a device is given",
    ResultCode.API_ERROR_SCHEDULER_NOT_RUNNING: "never: the scheduler is a part of the box",
    ResultCode.API_DEVICE_NOT_IN_CALL: "the device has no open call",
    ResultCode.API_DEVICE_INVALID: "no key of a device is given, or no device is found by it",
    ResultCode.API_DID_NOT_MATCH_A_SCHEDULE: "no schedule takes the call",
    ResultCode.API_UNKNOWN_MESSAGE_TYPE: "there is no message of that TYPE",
    ResultCode.API_ERROR_PROCESSING_MESSAGE: "a value that cannot be used; or something inside the box failed",
    ResultCode.API_DEVICE_NOT_RECORDING: "nothing is recorded that could be stopped",
    ResultCode.API_RECORDING_STOPPED: "success: the recording ends",
    ResultCode.API_REQUESTID_INVALID: "REQUESTID is missing, no integer, negative or above 2147483647",
    ResultCode.API_INVALID_REQUEST_TYPE: "no TYPE, or one that this port does not take",
    ResultCode.API_INVALID_MESSAGE_FORMAT: "this is no request: not XML, not ended, too long",
    ResultCode.API_ERROR_NO_DEFAULT_RECORDING_PATH: "never: there is always a recording path",
    ResultCode.API_OK: "success",
    ResultCode.API_ERROR_INVALID_ACTION: "ACTION or PLAYBACKTYPE is none of those that the message takes",
    ResultCode.API_ERROR_KEYS_NOT_UNIQUE: "the name is taken, the phone is another agent's, or a name fits several",
    ResultCode.API_DATABASE_QUERY_ERROR: "the database did not do it; or there is no such record",
    ResultCode.API_AGENT_NOT_FOUND: "no such agent",
    ResultCode.API_AGENT_NOT_ACTIVE: "the agent is inactive or deleted",
    ResultCode.API_BLANK_REQUIRED_VALUE: "a required value is missing or blank",
    ResultCode.API_NO_GROUP: "no such group",
    ResultCode.API_USER_NOT_FOUND: "no such user",
    ResultCode.API_MODE_INVALID: "no such mode",
    ResultCode.API_EVENT_TYPE_INVALID: "no such class or type of events",
    ResultCode.API_ERROR_CLIENT_NOT_FOUND: "no such desktop, station or subscription",
    ResultCode.API_ERROR_ALREADY_MONITORING: "this connection has that subscription already",
    ResultCode.API_SESSIONID_UNSPECIFIED: "no SESSIONID",
    ResultCode.API_ERROR_RECORDER_NOT_RUNNING: "no core could be told",
    ResultCode.API_ERROR_BLOCKED_RECORDING_FILTER: "a recording filter of the box forbids it",
    ResultCode.API_ERROR_LOGGER_NOT_RUNNING: "never",
    ResultCode.API_RECORDING_UPDATED: "never",
    ResultCode.API_BLACKOUT_INVALID_STATE: "with `strict_call_state`: a begin behind a begin, an end without one",
    ResultCode.API_UNLICENSED: "switched off in the settings of this box",
    ResultCode.API_RECORDID_INVALID: "RECORDID is none, or the device has no recording",
    ResultCode.API_FILE_NOT_FOUND: "no recording matches, or its file is gone",
}


def ground_chapters() -> Iterator[str]:
    """Give what stands before the messages."""
    yield GROUND
    yield "## Terms\n\n| term | means |\n|---|---|"
    yield from (f"| {term} | {text} |" for term, text in TERMS.items())
    yield ""


def closing_chapters() -> Iterator[str]:
    """Give what stands behind the messages and events."""
    yield "## Elements of answers and events\n\nThose that are no parameters of the message, or mean more there.\n"
    yield "| element | means |\n|---|---|"
    yield from (f"| {name} | {text} |" for name, text in ELEMENTS.items())
    yield "\n## Result codes\n\n| RESULTCODE | RESULTTYPE | means |\n|---|---|---|"
    yield from (f"| {code.value} | {code.label} | {CODES[code]} |" for code in ResultCode)
    yield "\nAPI_PARTIAL_CORE_RESPONSE is a RESULTTYPE with code 20: some cores were told, those in RESULTMSG were not."
