#!/usr/bin/env bash
# bash, because sh drops the variables of cargo whose names hold a hyphen.
# Builds Sequor with a pool that cleans no connection, for the tests that have to notice:
#   RUSTC_WORKSPACE_WRAPPER=$PWD/tests/tools/unclean.sh cargo test -p sequor-tests --features all --test it -- connections::ledger connections::chaos
case " $* " in
*" --crate-name sequor_orm "*) exec "$@" --cfg sequor_unclean ;;
*) exec "$@" ;;
esac
