"""Readings from MQTT: topics, payloads, collector, alarms."""
