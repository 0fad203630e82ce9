#!/usr/bin/env bash
# Makes what scripts/kafka-local --secure needs: an authority for this start, certificates, and the broker's properties.
#
#   deploy/kafka-local/secure.sh FOLDER PORT MTLS_PORT CONTROLLER_PORT PASSWORD
#
# FOLDER then holds ca.pem and ca-key.pem, kafka.pem, convmine-client.pem (key and certificate of that user), and
# secure.properties. PASSWORD is that of admin, who may do everything. With openssl alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1 port=$2 mtls=$3 controller=$4 password=$5
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

signed() { # name, days: a key and a certificate of the authority, for NAME at this machine
  openssl req -new -newkey rsa:2048 -nodes -keyout "$1-key.pem" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days "$2" -out "$1-cert.pem" \
    -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1") 2>/dev/null
  cat "$1-key.pem" "$1-cert.pem" >"$1.pem"
  rm "$1-key.pem" "$1-cert.pem" "$1.csr"
}
if [ ! -f ca.pem ]; then
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -days 30 -subj "/CN=kafka-local authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null
fi
[ -f kafka.pem ] || signed kafka 30
[ -f convmine-client.pem ] || signed convmine-client 30
{
  cat "$here/secure.properties"
  echo "listeners=SASL_SSL://127.0.0.1:$port,SSL://127.0.0.1:$mtls,CONTROLLER://127.0.0.1:$controller"
  echo "advertised.listeners=SASL_SSL://127.0.0.1:$port,SSL://127.0.0.1:$mtls"
  echo "ssl.keystore.location=$folder/kafka.pem"
  echo "ssl.truststore.location=$folder/ca.pem"
  echo "listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required" \
    "user_admin=\"$password\" user_convmine-client=\"$password\";"
} >secure.properties
