"""The log as a cluster keeps it: Kafka's topics, shared by the members of a consumer group.

`log.KafkaLog` imports Kafka's client; `settings` does not.
"""
