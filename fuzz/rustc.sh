#!/bin/sh
# Called in place of rustc (RUSTC_WRAPPER): the program and the fuzz targets report which edges they take, all else is
# built as ever. Works on the pinned stable toolchain.
compiler=$1
shift
case " $* " in
*" --crate-name forerunner "* | *" targets/"*)
    exec "$compiler" "$@" --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1
    ;;
*) exec "$compiler" "$@" ;;
esac
