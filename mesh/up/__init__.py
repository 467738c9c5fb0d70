"""`make run` and `make stop`: the whole system on one machine.

`start` and `stop` tell the story; `place`, `ports`, `environment`, `services`, `ready` know one thing each;
`seed`, `sample` and `local_runner` make what a newcomer finds.
"""
