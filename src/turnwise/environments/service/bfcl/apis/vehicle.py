"""`VehicleControlAPI`: a car, and what it knows of roads."""

# Arguments have the published names.
# ruff: noqa: N803

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from turnwise.errors import ToolError
from turnwise.tools.desk import Desk
from turnwise.tools.function import tool

Door = Literal["driver", "passenger", "rear_left", "rear_right"]
Option = Literal["fuel", "battery", "doors", "climate", "headlights", "parkingBrake", "brakePedal", "engine"]
TANK = 50.0
"""Gallons."""
MILES = 20.0
"""To a gallon."""
FORCE = 1000.0
"""Of a brake pedal that is pressed fully."""
_FACTS: dict[str, Any] = {
    "zipcodes": {"Arnsee": "10100", "Bredal": "10200", "Corvik": "20100"},
    "distances": {("10100", "10200"): 27.0, ("10200", "20100"): 140.0},
}


class VehicleControlAPI(Desk):
    """One car.

    Args:
        config: The published attributes, where they are not the usual.
        long: Texts that make it bulky: `car`, `weather`, `brake`, `cities`.
        facts: `zipcodes` by city and `distances` in miles by two of them.
    """

    name: ClassVar[str] = "VehicleControlAPI"

    fuel: float
    battery: float
    engine: str
    doors: dict[str, str]
    temperature: float
    fan: int
    climate: str
    humidity: float
    headlights: str
    parking_brake: str
    pedal: str
    next_vehicle: float
    cruise: str
    destination: str
    tires: dict[str, float]

    def __init__(
        self,
        config: Mapping[str, Any],
        long: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        self._long = long
        self._facts = facts or _FACTS
        self._random = random.Random(config.get("random_seed", 141053))
        self.fuel = config.get("fuelLevel", 0.0)
        self.battery = config.get("batteryVoltage", 12.6)
        self.engine = config.get("engineState", "stopped")
        unlocked = dict.fromkeys(("driver", "passenger", "rear_left", "rear_right"), "unlocked")
        self.doors = dict(config.get("doorStatus", unlocked))
        self.temperature = config.get("acTemperature", 25.0)
        self.fan = config.get("fanSpeed", 50)
        self.climate = config.get("acMode", "auto")
        self.humidity = config.get("humidityLevel", 50.0)
        self.headlights = config.get("headLightStatus", "off")
        self.parking_brake = config.get("parkingBrakeStatus", "released")
        self._parking_force: float = config.get("parkingBrakeForce", 0.0)
        self._slope: float = config.get("slopeAngle", 0.0)
        self.pedal = config.get("brakePedalStatus", "released")
        self._pedal_force: float = config.get("brakePedalForce", 0.0)
        self.next_vehicle = config.get("distanceToNextVehicle", 50.0)
        self.cruise = config.get("cruiseStatus", "inactive")
        self.destination = config.get("destination", "None")
        places = (("frontLeft", 32.0), ("frontRight", 32.0), ("rearLeft", 30.0), ("rearRight", 30.0))
        self.tires = {
            f"{place}TirePressure": config.get(f"{place}TirePressure", usual) for place, usual in places
        }

    @tool(name="startEngine")
    def start_engine(self, ignitionMode: Literal["START", "STOP"]) -> dict[str, Any]:
        """Start or stop the engine. To start it, all doors are locked and the brake is pressed fully.

        Args:
            ignitionMode: START or STOP.
        """
        if ignitionMode == "STOP":
            self.engine = "stopped"
        elif "unlocked" in self.doors.values():
            doors = ", ".join(door for door, state in self.doors.items() if state == "unlocked")
            raise ToolError(f"startEngine: lock all doors first; unlocked: {doors}")
        elif self.pedal != "pressed" or self._pedal_force != FORCE:
            raise ToolError("startEngine: press the brake pedal fully first")
        else:
            self.engine = "running"
        return {"engineState": self.engine, "fuelLevel": self.fuel, "batteryVoltage": self.battery}

    @tool(name="fillFuelTank")
    def fill_tank(self, fuelAmount: Annotated[float, msgspec.Meta(ge=0)]) -> dict[str, float]:
        """Fill the tank, which holds 50 gallons.

        Args:
            fuelAmount: Gallons to add.
        """
        if self.fuel + fuelAmount > TANK:
            raise ToolError(f"fillFuelTank: the tank holds {TANK:g} gallons, and {self.fuel:g} are in it")
        self.fuel += fuelAmount
        return {"fuelLevel": self.fuel}

    @tool(name="lockDoors")
    def lock_doors(self, unlock: bool, door: list[Door]) -> dict[str, Any]:
        """Lock or unlock doors.

        Args:
            unlock: Whether to unlock them.
            door: Which: driver, passenger, rear_left, rear_right.
        """
        state = "unlocked" if unlock else "locked"
        self.doors |= dict.fromkeys(door, state)
        return {"lockStatus": state, "remainingUnlockedDoors": list(self.doors.values()).count("unlocked")}

    @tool(name="adjustClimateControl")
    def adjust_climate(
        self,
        temperature: float,
        unit: str = "celsius",
        fanSpeed: Annotated[int, msgspec.Meta(ge=0, le=100)] = 50,
        mode: str = "auto",
    ) -> dict[str, Any]:
        """Set the climate.

        Args:
            temperature: The temperature.
            unit: celsius or fahrenheit.
            fanSpeed: From 0 to 100.
            mode: auto, cool, heat or defrost.
        """
        self.temperature = (temperature - 32) * 5 / 9 if unit == "fahrenheit" else temperature
        self.fan = fanSpeed
        self.climate = mode
        return {"currentACTemperature": temperature, "climateMode": mode, "humidityLevel": self.humidity}

    @tool(kind="read")
    def get_outside_temperature_from_google(self) -> dict[str, Any]:
        """The temperature outside."""
        more: dict[str, Any] = {} if self._long is None else self._long["weather"]
        return {**more, "outsideTemperature": self._random.uniform(-10.0, 40.0)}

    @tool(kind="read")
    def get_outside_temperature_from_weather_com(self) -> dict[str, Any]:
        """The temperature outside, by another service."""
        raise ToolError("get_outside_temperature_from_weather_com: the service cannot be reached")

    @tool(name="setHeadlights")
    def set_headlights(self, mode: Literal["on", "off", "auto"]) -> dict[str, str]:
        """Switch the headlights.

        Args:
            mode: on, off or auto, which is off by day.
        """
        self.headlights = "on" if mode == "on" else "off"
        return {"headlightStatus": self.headlights}

    @tool(name="displayCarStatus", kind="read")
    def display(self, option: Option) -> dict[str, Any]:
        """How one thing about the car stands.

        Args:
            option: fuel, battery, doors, climate, headlights, parkingBrake, brakePedal or engine.
        """
        known: dict[str, dict[str, Any]] = {
            "fuel": {"fuelLevel": self.fuel},
            "battery": {"batteryVoltage": self.battery},
            "doors": {"doorStatus": self.doors},
            "climate": {
                "currentACTemperature": self.temperature,
                "fanSpeed": self.fan,
                "climateMode": self.climate,
                "humidityLevel": self.humidity,
            },
            "headlights": {"headlightStatus": self.headlights},
            "parkingBrake": {
                "parkingBrakeStatus": self.parking_brake,
                "parkingBrakeForce": self._parking_force,
                "slopeAngle": self._slope,
            },
            "brakePedal": {"brakePedalStatus": self.pedal, "brakePedalForce": self._pedal_force},
            "engine": {"engineState": self.engine},
        }
        more = {} if self._long is None else {"metadata": self._long["car"]}
        return {**more, **known[option]}

    @tool(name="activateParkingBrake")
    def activate_parking_brake(self, mode: Literal["engage", "release"]) -> dict[str, Any]:
        """Engage or release the parking brake.

        Args:
            mode: engage or release.
        """
        engaged = mode == "engage"
        self.parking_brake = "engaged" if engaged else "released"
        self._parking_force, self._slope = 500.0 if engaged else 0.0, 10.0
        more = {} if self._long is None else {"parkingBrakeInstruction": self._long["brake"]}
        force = {"parkingBrakeForce": self._parking_force, "slopeAngle": self._slope}
        return {**more, "parkingBrakeStatus": self.parking_brake, **force}

    @tool(name="pressBrakePedal")
    def press_pedal(self, pedalPosition: Annotated[float, msgspec.Meta(ge=0, le=1)]) -> dict[str, Any]:
        """Press the brake pedal.

        Args:
            pedalPosition: How far, from 0 to 1.
        """
        self.pedal = "pressed" if pedalPosition > 0 else "released"
        self._pedal_force = pedalPosition * FORCE
        return {"brakePedalStatus": self.pedal, "brakePedalForce": self._pedal_force}

    @tool(name="releaseBrakePedal")
    def release_pedal(self) -> dict[str, Any]:
        """Release the brake pedal."""
        self.pedal, self._pedal_force = "released", 0.0
        return {"brakePedalStatus": self.pedal, "brakePedalForce": self._pedal_force}

    @tool(name="setCruiseControl")
    def set_cruise(self, speed: float, activate: bool, distanceToNextVehicle: float) -> dict[str, Any]:
        """Set the cruise control, with a running engine.

        Args:
            speed: Miles an hour, up to 120, in steps of 5.
            activate: Whether it is on.
            distanceToNextVehicle: To keep, in metres.
        """
        if self.engine == "stopped":
            raise ToolError("setCruiseControl: start the engine first")
        self.next_vehicle = distanceToNextVehicle
        if activate and not (0 <= speed <= 120 and speed % 5 == 0):
            # The distance is kept all the same, as published.
            return {"error": "the speed must be from 0 to 120, in steps of 5"}
        self.cruise = "active" if activate else "inactive"
        distance = {"distanceToNextVehicle": distanceToNextVehicle}
        return {"cruiseStatus": self.cruise, "currentSpeed": speed, **distance}

    @tool(kind="read")
    def get_current_speed(self) -> dict[str, float]:
        """The speed."""
        return {"currentSpeed": self._random.uniform(0.0, 120.0)}

    @tool(kind="read")
    def display_log(self, messages: list[str]) -> dict[str, list[str]]:
        """Show messages.

        Args:
            messages: Which.
        """
        return {"log": messages}

    @tool(kind="read")
    def estimate_drive_feasibility_by_mileage(self, distance: float) -> dict[str, bool]:
        """Whether the fuel is enough.

        Args:
            distance: For how many miles.
        """
        return {"canDrive": self.fuel * MILES >= distance}

    @tool(kind="read")
    def liter_to_gallon(self, liter: float) -> dict[str, float]:
        """Litres in gallons.

        Args:
            liter: How many.
        """
        return {"gallon": liter * 0.264172}

    @tool(kind="read")
    def gallon_to_liter(self, gallon: float) -> dict[str, float]:
        """Gallons in litres.

        Args:
            gallon: How many.
        """
        return {"liter": gallon * 3.78541}

    @tool(kind="read")
    def estimate_distance(self, cityA: str, cityB: str) -> dict[str, Any]:
        """The distance of two cities.

        Args:
            cityA: The zip code of one.
            cityB: The zip code of the other.
        """
        known = self._facts["distances"]
        distance = known.get((cityA, cityB), known.get((cityB, cityA)))
        if distance is None:
            raise ToolError(f"estimate_distance: the distance of {cityA!r} and {cityB!r} is not known")
        more = {} if self._long is None else {"intermediaryCities": self._long["cities"]}
        return {"distance": distance, **more}

    @tool(kind="read")
    def get_zipcode_based_on_city(self, city: str) -> dict[str, str]:
        """The zip code of a city.

        Args:
            city: Its name.
        """
        return {"zipcode": self._facts["zipcodes"].get(city, "00000")}

    @tool
    def set_navigation(self, destination: str) -> dict[str, str]:
        """Navigate.

        Args:
            destination: Where to: street, city and state.
        """
        self.destination = destination
        return {"status": f"Navigating to {destination}"}

    @tool(kind="read")
    def check_tire_pressure(self) -> dict[str, Any]:
        """The pressure of the tires, and whether it is healthy: from 30 to 35 on average."""
        healthy = 30 <= sum(self.tires.values()) / 4 <= 35
        more = {} if self._long is None else {"car_info": self._long["car"]}
        return {**self.tires, "healthy_tire_pressure": healthy, **more}

    @tool(kind="read")
    def find_nearest_tire_shop(self) -> dict[str, str]:
        """Where the nearest shop for tires is."""
        return {"shopLocation": "Coast Garage, Ring 12, Arnsee"}
