"""What Home Assistant has to show, from the replies of the units: written apart from the bridge's own table."""

# Where the value of an entity is from, if its key is not the name of a field.
FIELDS = {
    "state_of_charge": ("GS", "battery_capacity"),
    "mode": ("MOD", "working_mode"),
    "fault_code": ("FWS", "fault"),
    "firmware_main": ("VFW", "main"),
    "firmware_slave1": ("VFW", "slave1"),
    "firmware_slave2": ("VFW", "slave2"),
    "rated_input_voltage": ("PIRI", "input_voltage"),
    "rated_input_current": ("PIRI", "input_current"),
    "rated_output_voltage": ("PIRI", "output_voltage"),
    "rated_output_frequency": ("PIRI", "output_frequency"),
    "rated_output_current": ("PIRI", "output_current"),
    "rated_apparent_power": ("PIRI", "output_apparent_power"),
    "rated_power": ("PIRI", "output_active_power"),
    "rated_battery_voltage": ("PIRI", "battery_rated_voltage"),
    "pv_energy": ("ET", "energy"),
}
QUERIES = ("GS", "MOD", "FWS", "FLAG", "PIRI", "VFW", "ET")

# The numbers of codes, which are not their names.
NUMBERS = {"fault_code", "buzzer"}

# Home Assistant's device class for a unit of measurement.
CLASSES = {"V": "voltage", "mV": "voltage", "A": "current", "W": "power", "VA": "apparent_power", "Hz": "frequency",
           "°C": "temperature", "Wh": "energy", "s": "duration", "ms": "duration"}


# How the virtual packs are switched, and what they show then.
PACK_CELLS = [3412, 3398, 3401, 3387, 3456, 3400, 3401, 3402, 3403, 3404, 3405, 3406, 3407, 3408, 3409, 3410]
PACK_SWITCHES = ["volts=54.51", "current=-4.36", "board=21", "temperature=20", "remaining=90", "limit=50", "soc=91",
                 "warn=0x0002", "cycles=17", "cells=" + ",".join(f"{cell / 1000:.3f}" for cell in PACK_CELLS)]
PACK_VALUES = {
    "voltage": 54.51, "current": -4.36, "power": -238, "state_of_charge": 91, "state_of_health": 100,
    "remaining_charge": 90, "max_charge_current": 50, "board_temperature": 21, "temperature_1": 20,
    "temperature_2": 20, "highest_cell_voltage": 3.456, "lowest_cell_voltage": 3.387, "cell_voltage_spread": 69,
    "highest_cell": 5, "lowest_cell": 4, "status": "discharging", "warnings": "cell over voltage",
    "protections": "none", "errors": str, "balancing": str, "cycles": 17, "full_capacity": 100,
    "design_capacity": 100, "cells_in_series": 16, "model": "LFP-51.2V100Ah-V1.0", "firmware": str,
    "label_serial": str,
}


class Any:
    """Any number between two."""

    def __init__(self, low, high):
        self.low, self.high = low, high

    def __eq__(self, other):
        return self.low <= other <= self.high

    def __repr__(self):
        return f"{self.low} to {self.high}"


ANY_COUNT = Any(0, 10**9)


def unit_value(key, replies, address):
    """Returns the value that an entity of a unit has."""
    if key in ("pv_power", "battery_power", "battery_current", "serial_number", "link_address"):
        status = replies["GS"]["values"]
        current = status["charge_current"] - status["discharge_current"]
        return {
            "pv_power": status["pv1_power"] + status["pv2_power"],
            "battery_current": current,
            # Rounded half away from zero.
            "battery_power": int(abs(current) * status["battery_voltage"] + 0.5 + 1e-9) * (1 if current > 0 else -1),
            "serial_number": replies["serial_number"],
            "link_address": address,
        }[key]
    if key == "clock_offset":
        return Any(-10**9, 10**9)
    if key.startswith("link_") or key in ("battery_charge_energy", "battery_discharge_energy", "pv_energy_today"):
        return ANY_COUNT
    if key.startswith("warning_"):
        return on_off(replies["FWS"]["values"][key.removeprefix("warning_")])
    query, field = FIELDS.get(key, (None, key))
    for name in [query] if query else QUERIES:
        values = replies[name]["values"]
        if field in values:
            if name == "FLAG" and key not in NUMBERS:
                return None if values[field] is None else on_off(values[field])
            if key not in NUMBERS and field in replies[name]["names"]:
                return replies[name]["names"][field]
            return values[field]
    if (query or "FLAG") == "FLAG":
        return None  # The unit sends fewer fields.
    raise KeyError(f"no value is expected for {key}")


def pack_value(key, address):
    """Returns the value that an entity of a battery pack has."""
    if key == "link_address":
        return address
    if key.startswith("link_"):
        return ANY_COUNT
    if key.startswith("cell_") and key != "cell_voltage_spread":
        return PACK_CELLS[int(key.split("_")[1]) - 1] / 1000
    if key.startswith("sensor_"):
        return Any(-128, 127)
    return PACK_VALUES[key]


def bank_value(key, units):
    """Returns the value that an entity of the bank has."""
    status = [replies["GS"]["values"] for replies in units]
    voltages = [values["battery_voltage"] for values in status]

    def total(*keys):
        return sum(unit_value(key, replies, None) for replies in units for key in keys)

    sums = {"pv_power": "pv_power", "load_power": "active_power", "apparent_power": "apparent_power",
            "battery_power": "battery_power", "battery_current": "battery_current"}
    if key in sums:
        return total(sums[key])
    if key in ("battery_charge_energy", "battery_discharge_energy", "pv_energy_today", "alerts"):
        return ANY_COUNT
    return {
        # The units do not count on, so the bank does not either, whatever their counters show.
        "pv_energy": 0,
        "battery_voltage": Any(min(voltages), max(voltages)),
        "battery_voltage_spread": max(voltages) - min(voltages),
        "state_of_charge": Any(0, 100),
        "settings_that_differ": ANY_COUNT,
        "fresh_units": len(units),
        "problem": ("on", "off"),
        "worst_alert": str,
        "last_refusal": str,
        "set_output_priority": units[0]["PIRI"]["names"]["output_priority"].replace("-", "_"),
    }[key]


def on_off(number):
    """Returns the state of a binary sensor."""
    return "on" if number else "off"


def is_right(state, value):
    """Returns whether the state of an entity is the expected value."""
    if value is None:
        return state == "unknown"
    if state in ("unknown", "unavailable"):
        return False
    if isinstance(value, tuple):
        return state in value
    if value is str:
        return True
    if isinstance(value, str):
        return state == value
    try:
        number = float(state)
    except ValueError:
        return False
    return value == number if isinstance(value, Any) else abs(number - value) < 1e-6
