#!/bin/sh
# The artifact: what is in it is of no importance here.
exec ping "$@"
