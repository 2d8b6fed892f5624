#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lets a group of users read power and set clocks without being root; README.md says at what cost.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
group=coinfer
user=${SUDO_USER:-}
root=
state=/var/lib/coinfer
unit=coinfer-device@.service
dry= remove= service= nvml=

usage() {
    cat <<USAGE
usage: sudo sh permit.sh [--user NAME] [--service robot|edge [--nvml]] [--remove] [--dry-run]

Lets members of the group $group read power counters and set clocks: makes the group, adds a user
to it, installs udev rules that hold after a restart, does the same now, and makes $state.
Twice is once.

  --user NAME      whom to add to the group (default: who called sudo)
  --service ROLE   install the device node as a systemd service too, with a user of its own
  --nvml           let that service set the clocks of NVIDIA GPUs (CAP_SYS_ADMIN)
  --remove         undo all of it
  --dry-run        say what would be done, and do nothing
  --root DIR       do it to a system that lies in DIR
USAGE
}

fail() {
    echo "permit.sh: $1" >&2
    exit 2
}

# Says a command and runs it, unless this is a dry run.
act() {
    echo "$@"
    [ -n "$dry" ] || "$@"
}

# Passes the tree to groupadd and its kin, where it is not this system itself.
accounts() {
    program=$1
    shift
    if [ -n "$root" ]; then act "$program" --prefix "$root" "$@"; else act "$program" "$@"; fi
}

entry() { # of a name in /etc/group or /etc/passwd, from wherever this system has its users
    if [ -n "$root" ]; then grep "^$2:" "$root/etc/$1" || true; else getent "$1" "$2" || true; fi
}

# Copies a file of ours, unless it is there already.
place() {
    cmp -s "$here/$1" "$root$2/$1" && return
    act mkdir -p "$(dirname "$root$2/$1")"
    act install -m 0644 "$here/$1" "$root$2/$1"
}

# The files that the group gets: each line has the rights of the group, then a pattern.
files() {
    cat <<FILES
r /sys/class/powercap/intel-rapl:*/energy_uj
r /sys/class/powercap/intel-rapl:*/max_energy_range_uj
r /sys/bus/i2c/drivers/ina*/*/hwmon/hwmon*/*_input
r /sys/bus/i2c/drivers/ina3221x/*/iio:device*/in_*_input
rw /sys/class/devfreq/17000000.gpu/m[ia][nx]_freq
rw /sys/class/devfreq/17000000.ga10b/m[ia][nx]_freq
rw /sys/class/devfreq/17000000.gv11b/m[ia][nx]_freq
rw /sys/class/devfreq/17000000.gp10b/m[ia][nx]_freq
rw /sys/class/devfreq/57000000.gpu/m[ia][nx]_freq
rw /sys/class/devfreq/gpu-gpc-0/m[ia][nx]_freq
rw /sys/devices/system/cpu/cpufreq/policy*/scaling_m[ia][nx]_freq
FILES
}

# Gives the files to a group, with or without its rights.
give() { # group number, + or -
    files | while IFS=' ' read -r rights pattern; do
        IFS= # the pattern below is spread out into files, and no blank parts a name
        for file in $root$pattern; do
            [ -e "$file" ] || continue
            [ "$(stat -Lc %g "$file")" = "$1" ] && continue
            # What everybody may read anyway keeps that right.
            [ "$2" = - ] && rights=w && case $file in */energy_uj) rights=r ;; esac
            act chmod "g$2$rights" "$file"
            act chgrp "$1" "$file" # the last, for it is what is looked at before
        done
    done
}

reload() {
    [ -n "$root" ] && return
    if command -v udevadm >/dev/null; then act udevadm control --reload; fi
    if [ -d /run/systemd/system ]; then act systemctl daemon-reload; fi
}

permit() {
    [ -n "$(entry group "$group")" ] || accounts groupadd --system "$group"
    number=$(entry group "$group" | cut -d: -f3)
    number=${number:-$group} # a dry run has made no group
    members=$(entry group "$group" | cut -d: -f4)
    case ",$members," in
        *",$user,"*) ;;
        *) [ -z "$user" ] || [ "$user" = root ] || accounts usermod --append --groups "$group" "$user" ;;
    esac
    place 70-coinfer.rules /etc/udev/rules.d
    if [ ! -d "$root$state" ] || [ "$(stat -c %a:%g "$root$state")" != "2775:$number" ]; then
        act mkdir -p "$root$state"
        act chgrp "$number" "$root$state"
        act chmod 2775 "$root$state"
    fi
    give "$number" +
    [ -z "$service" ] || serve
    reload
    case $user in
        "" | root) echo "# nobody was added to the group $group: --user NAME adds somebody" ;;
        *) echo "# $user has these rights after the next login (or: newgrp $group)" ;;
    esac
    if [ -e "$root/dev/nvidiactl" ] && [ -z "$nvml" ]; then
        echo "# NVIDIA's driver lets no group set its clocks: sh $0 --service edge --nvml"
    fi
}

serve() {
    [ -n "$(entry passwd "$group")" ] || accounts useradd --system --gid "$group" \
        --home-dir "$state" --no-create-home --shell /usr/sbin/nologin "$group"
    place "$unit" /etc/systemd/system
    [ -z "$nvml" ] || place "$unit.d/nvml.conf" /etc/systemd/system
    if [ ! -e "$root/etc/coinfer/device.env" ]; then
        place device.env /etc/coinfer
        [ -z "$nvml" ] || act sed -i 's/backend:=jetson/backend:=nvml/' "$root/etc/coinfer/device.env"
    fi
    echo "# fill in /etc/coinfer/device.env, then: systemctl enable --now coinfer-device@$service"
}

withdraw() {
    for former in "$root$state"/*.former.json; do
        [ ! -e "$former" ] || fail "a clock is still set ($former); run: coinfer doctor --restore"
    done
    if [ -z "$root" ] && [ -e "/etc/systemd/system/$unit" ]; then
        act systemctl disable --now coinfer-device@robot coinfer-device@edge
    fi
    for path in "etc/udev/rules.d/70-coinfer.rules" "etc/systemd/system/$unit.d" \
        "etc/systemd/system/$unit" "etc/coinfer" "${state#/}"; do
        [ ! -e "$root/$path" ] || act rm -r "$root/$path"
    done
    if [ -n "$(entry group "$group")" ]; then
        give 0 -
        [ -z "$(entry passwd "$group")" ] || accounts userdel "$group"
        [ -z "$(entry group "$group")" ] || accounts groupdel "$group"
    fi
    reload
}

while [ $# -gt 0 ]; do
    case $1 in
        --help | -h) usage; exit 0 ;;
        --dry-run) dry=yes ;;
        --remove) remove=yes ;;
        --nvml) nvml=yes ;;
        --user | --service | --root)
            [ $# -ge 2 ] || fail "$1 must have a value"
            case $1 in --user) user=$2 ;; --service) service=$2 ;; --root) root=${2%/} ;; esac
            shift ;;
        *) fail "unknown option $1; --help lists them" ;;
    esac
    shift
done
case $service in "" | robot | edge) ;; *) fail "--service must be robot or edge, got $service" ;; esac
[ -z "$nvml" ] || [ -n "$service" ] || fail "--nvml must come with --service"
[ -n "$dry$root" ] || [ "$(id -u)" = 0 ] || fail "must be run as root: sudo sh $0"

if [ -n "$remove" ]; then withdraw; else permit; fi
