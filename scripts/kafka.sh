#!/usr/bin/env bash
# Runs one Apache Kafka broker for development and tests: scripts/kafka.sh DIR [PORT]
#
# Listens on 127.0.0.1:PORT (default 9092), and on PORT+1 for its own controller. Everything it
# stores is below DIR. Start it again on the same DIR and PORT, also after kill -9, and it goes on
# with what it had.
#
# A file DIR/more.properties is read after the broker's own settings. Lines of a file DIR/format.arguments are arguments of
# the tool that prepares a new DIR, such as users with their passwords. KAFKA_OPTS are options of java.
#
# Needs java (17 or newer), and mvn the first time, to fetch the broker's jars from Maven Central.
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: $0 DIR [PORT]" >&2
  exit 2
fi

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$scripts/versions.env"
jars=$(dirname "$scripts")/.cache/kafka-lib/$KAFKA
mkdir -p "$1"
home=$(cd "$1" && pwd)
port=${2:-9092}
controller=$((port + 1))

# The jars are copied next to their final place and renamed, so that an interrupted download is
# never taken for a complete one, and of two runs at once the slower one simply loses.
if [ ! -d "$jars" ]; then
  mkdir -p "$(dirname "$jars")"
  incoming=$(mktemp -d "$(dirname "$jars")/incoming.XXXXXX")
  echo "fetching the jars of Apache Kafka $KAFKA" >&2
  mvn --quiet --batch-mode --file "$scripts/kafka-pom.xml" \
    -Dkafka.version="$KAFKA" \
    dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$incoming" >&2
  mv -T "$incoming" "$jars" 2>/dev/null || rm -rf "$incoming"
fi

# Written on each start, because the port may be a different one. A single node is its own
# controller (KRaft), and the internal topics can have no more replicas than there are nodes.
# Topics are never created by accident: a misspelt name has to fail. A group's first member does not
# wait for others, and members are declared dead as early as our clients ask for it (6 s). A broker
# started again after kill -9 has to wait until its former self is declared dead.
cat > "$home/broker.properties" <<CONFIG
node.id=1
process.roles=broker,controller
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$home/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=8388608
CONFIG
[ ! -f "$home/more.properties" ] || cat "$home/more.properties" >> "$home/broker.properties"
arguments=()
[ ! -f "$home/format.arguments" ] || mapfile -t arguments < "$home/format.arguments"

# Tuned to start fast beside other work, not for throughput.
java=(java -Xms128m -Xmx768m -XX:+UseSerialGC -XX:TieredStopAtLevel=1)
# shellcheck disable=SC2206 # several options in one variable, as with Kafka's own scripts
java+=(${KAFKA_OPTS:-} -cp "$jars/*")

# meta.properties is the last thing that formatting writes, so its absence means that the directory
# is new or that an earlier attempt was cut short; both are formatted.
if [ ! -f "$home/log/meta.properties" ]; then
  rm -rf "$home/log"
  cluster=$(head -c 16 /dev/urandom | base64 | tr '+/' 'Ab' | tr -d '=\n')
  "${java[@]}" kafka.tools.StorageTool format --cluster-id "$cluster" --config "$home/broker.properties" \
    "${arguments[@]}" >&2
fi

# exec, so that the broker has this script's process id and signals reach it directly.
exec "${java[@]}" kafka.Kafka "$home/broker.properties"
