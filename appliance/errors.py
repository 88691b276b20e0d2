"""The errors of the appliance, each with its result code of the wire contract.

Raise near the cause; they are caught at three places only: ``messages.dispatch`` (becomes a Result), a vital task
(ends the process) and the supervision of taps. Tree::

    LinetapError                     4  last resort
    ├── SettingsError                -  faults in the settings file (exit code 78)
    ├── UnreachableError             -  no box answers (exit code 69)
    ├── AddressError                 -  an address that a port of the box cannot have
    └── RequestError                 one of the contract's codes; the message may carry detail
        ├── FormatInvalidError       16 not parseable
        ├── TypeMissingError         15 no TYPE, or a type that this port does not take
        ├── TypeUnknownError         10
        ├── RequestIdInvalidError    14
        ├── ValueInvalidError        11 a value that cannot be used
        ├── ActionInvalidError       21
        ├── RequiredBlankError       26
        ├── DeviceInvalidError        8 no device, or none matches
        ├── DeviceUnspecifiedError    5
        ├── DeviceNotInCallError      7
        ├── RecorderNotRunningError  34 no core could be reached
        ├── NoFreeChannelError        3
        ├── AlreadyRecordingError     1
        ├── NotRecordingError        12
        ├── ScheduleUnmatchedError    9 the scheduler was asked, and no schedule takes the call
        ├── RecordingFilteredError   35 a recording filter forbids it
        ├── DiskFullError             2
        ├── DatabaseError            23
        ├── BlackoutStateError       38 strict: an end without a begin, a second begin
        ├── UnlicensedError          39 an optional part of the box that is switched off
        ├── KeysNotUniqueError       22 a name or phone that is taken, or that several have
        ├── AgentUnknownError        24
        ├── AgentNotActiveError      25 inactive or deleted
        ├── GroupUnknownError        27
        ├── UserUnknownError         28
        ├── ClientUnknownError       31 no such workstation
        ├── ModeInvalidError         29
        ├── SessionUnspecifiedError  33
        ├── RecordIdInvalidError     40
        ├── FileMissingError         41
        ├── EventTypeInvalidError    30
        ├── SubscriptionUnknownError 31
        └── SubscriptionDoubleError  32
"""

from __future__ import annotations

import enum
from typing import ClassVar


class ResultCode(enum.IntEnum):
    """Numbers of RESULTCODE; :attr:`label` is the wire's RESULTTYPE. 17 (a second 16) and 19 are never sent."""

    API_RECORDING_STARTED = 0
    API_ERROR_ALREADY_RECORDING = 1
    API_ERROR_OUT_OF_DISK_SPACE = 2
    API_ERROR_NO_FREE_CHANNELS = 3
    API_ERROR_UNKNOWN = 4
    API_DEVICE_ALIAS_UNSPECIFIED = 5
    API_ERROR_SCHEDULER_NOT_RUNNING = 6
    API_DEVICE_NOT_IN_CALL = 7
    API_DEVICE_INVALID = 8
    API_DID_NOT_MATCH_A_SCHEDULE = 9
    API_UNKNOWN_MESSAGE_TYPE = 10
    API_ERROR_PROCESSING_MESSAGE = 11
    API_DEVICE_NOT_RECORDING = 12
    API_RECORDING_STOPPED = 13
    API_REQUESTID_INVALID = 14
    API_INVALID_REQUEST_TYPE = 15
    API_INVALID_MESSAGE_FORMAT = 16
    API_ERROR_NO_DEFAULT_RECORDING_PATH = 18
    API_OK = 20
    API_ERROR_INVALID_ACTION = 21
    API_ERROR_KEYS_NOT_UNIQUE = 22
    API_DATABASE_QUERY_ERROR = 23
    API_AGENT_NOT_FOUND = 24
    API_AGENT_NOT_ACTIVE = 25
    API_BLANK_REQUIRED_VALUE = 26
    API_NO_GROUP = 27
    API_USER_NOT_FOUND = 28
    API_MODE_INVALID = 29
    API_EVENT_TYPE_INVALID = 30
    API_ERROR_CLIENT_NOT_FOUND = 31
    API_ERROR_ALREADY_MONITORING = 32
    API_SESSIONID_UNSPECIFIED = 33
    API_ERROR_RECORDER_NOT_RUNNING = 34
    API_ERROR_BLOCKED_RECORDING_FILTER = 35
    API_ERROR_LOGGER_NOT_RUNNING = 36
    API_RECORDING_UPDATED = 37
    API_BLACKOUT_INVALID_STATE = 38
    API_UNLICENSED = 39
    API_RECORDID_INVALID = 40
    API_FILE_NOT_FOUND = 41

    @property
    def label(self) -> str:
        """Name of the code on the wire."""
        return self.name


class LinetapError(Exception):
    """Anything that went wrong in a way we know of."""

    code: ClassVar[ResultCode] = ResultCode.API_ERROR_UNKNOWN


class SettingsError(LinetapError):
    """The settings file has faults; ``faults`` holds every one as ``file:line: key: what is wrong``."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class UnreachableError(LinetapError):
    """No box answers where one was expected."""


class AddressError(LinetapError):
    """An address of the settings cannot be listened on: somebody has it, or the machine does not."""


class RequestError(LinetapError):
    """A request that cannot be done; the text becomes RESULTMSG, the label when there is none.

    ``body`` are elements of the answer that tell of what is there instead.
    """

    def __init__(self, detail: str = "", *, body: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(detail or self.code.label)
        self.detail = detail or self.code.label
        self.body = body


class FormatInvalidError(RequestError):
    """The bytes are no message."""

    code = ResultCode.API_INVALID_MESSAGE_FORMAT


class TypeMissingError(RequestError):
    """TYPE is absent or blank, or not to be had on this port."""

    code = ResultCode.API_INVALID_REQUEST_TYPE


class TypeUnknownError(RequestError):
    """TYPE names no message."""

    code = ResultCode.API_UNKNOWN_MESSAGE_TYPE


class RequestIdInvalidError(RequestError):
    """REQUESTID is missing where it is required, negative, no integer, or above 2147483647."""

    code = ResultCode.API_REQUESTID_INVALID


class ValueInvalidError(RequestError):
    """A parameter has a value that cannot be used."""

    code = ResultCode.API_ERROR_PROCESSING_MESSAGE


class ActionInvalidError(RequestError):
    """ACTION is not one of the message's."""

    code = ResultCode.API_ERROR_INVALID_ACTION


class RequiredBlankError(RequestError):
    """A required value is missing or blank."""

    code = ResultCode.API_BLANK_REQUIRED_VALUE


class DeviceInvalidError(RequestError):
    """No key of a device was given, or none matches."""

    code = ResultCode.API_DEVICE_INVALID

    def __init__(self, detail: str = "Could not find a device matching given parameters") -> None:
        super().__init__(detail)


class DeviceUnspecifiedError(RequestError):
    """A message of the STARTRECORDING family came without any key of a device."""

    code = ResultCode.API_DEVICE_ALIAS_UNSPECIFIED


class DeviceNotInCallError(RequestError):
    """The device has no open call, and the settings ask to be strict about it."""

    code = ResultCode.API_DEVICE_NOT_IN_CALL


class RecorderNotRunningError(RequestError):
    """No core could be reached."""

    code = ResultCode.API_ERROR_RECORDER_NOT_RUNNING


class NoFreeChannelError(RequestError):
    """Every channel that might serve is taken by work of the same or a higher priority."""

    code = ResultCode.API_ERROR_NO_FREE_CHANNELS


class AlreadyRecordingError(RequestError):
    """The call is being recorded."""

    code = ResultCode.API_ERROR_ALREADY_RECORDING


class NotRecordingError(RequestError):
    """Nothing of the device is being recorded."""

    code = ResultCode.API_DEVICE_NOT_RECORDING


class ScheduleUnmatchedError(RequestError):
    """The scheduler was asked, and no schedule takes the call."""

    code = ResultCode.API_DID_NOT_MATCH_A_SCHEDULE


class RecordingFilteredError(RequestError):
    """A recording filter forbids to record the call."""

    code = ResultCode.API_ERROR_BLOCKED_RECORDING_FILTER


class DiskFullError(RequestError):
    """The recording disk has less room than the reserve."""

    code = ResultCode.API_ERROR_OUT_OF_DISK_SPACE


class DatabaseError(RequestError):
    """The database could not do it."""

    code = ResultCode.API_DATABASE_QUERY_ERROR


class BlackoutStateError(RequestError):
    """A blackout is ended that nobody began, or begun twice, and the settings ask to be strict about it."""

    code = ResultCode.API_BLACKOUT_INVALID_STATE


class UnlicensedError(RequestError):
    """An optional part of the box is switched off."""

    code = ResultCode.API_UNLICENSED


class KeysNotUniqueError(RequestError):
    """A name or a phone is taken, or a name that several have does not say which is meant."""

    code = ResultCode.API_ERROR_KEYS_NOT_UNIQUE


class AgentUnknownError(RequestError):
    """No agent has the id or the name."""

    code = ResultCode.API_AGENT_NOT_FOUND


class AgentNotActiveError(RequestError):
    """The agent is inactive or deleted."""

    code = ResultCode.API_AGENT_NOT_ACTIVE


class GroupUnknownError(RequestError):
    """No group has the id or the name."""

    code = ResultCode.API_NO_GROUP


class UserUnknownError(RequestError):
    """No user has the id or the name."""

    code = ResultCode.API_USER_NOT_FOUND


class ClientUnknownError(RequestError):
    """No desktop of that computer or user has reported."""

    code = ResultCode.API_ERROR_CLIENT_NOT_FOUND


class ModeInvalidError(RequestError):
    """MODE names no mode of a device."""

    code = ResultCode.API_MODE_INVALID


class SessionUnspecifiedError(RequestError):
    """A message about a chat came without SESSIONID."""

    code = ResultCode.API_SESSIONID_UNSPECIFIED


class RecordIdInvalidError(RequestError):
    """A RECORDID that is no integer, or no record where one is needed."""

    code = ResultCode.API_RECORDID_INVALID


class FileMissingError(RequestError):
    """No record matches, or its file is not there."""

    code = ResultCode.API_FILE_NOT_FOUND


class EventTypeInvalidError(RequestError):
    """EVENTCLASS or EVENTTYPE names no event."""

    code = ResultCode.API_EVENT_TYPE_INVALID


class SubscriptionUnknownError(RequestError):
    """EVENTS with ACTION STOP names no subscription of this connection."""

    code = ResultCode.API_ERROR_CLIENT_NOT_FOUND


class SubscriptionDoubleError(RequestError):
    """The same subscription stands already."""

    code = ResultCode.API_ERROR_ALREADY_MONITORING
