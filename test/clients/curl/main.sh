#!/bin/sh
# sh main.sh IMAGE
set -eu
url=${LIMN_URL:-http://127.0.0.1:4000/graphql}
key=${LIMN_KEY:-}

# A query. `-H` with an empty key sends no header.
limn() { curl --silent --show-error --compressed -H "x-api-key: $key" "$@" "$url"; echo; }
json='content-type: application/json'
limn -H "$json" -d '{ "query": "{ search(prompt: \"birthday party\", first: 3) { nodes { name } } }" }'

# The same with GET.
limn --get --data-urlencode 'query={ models { id } }'

# An upload: the operation, which file goes where, the file. x-limn-client shows that no web page's form has sent it.
limn -H 'x-limn-client: curl' \
  -F 'operations={ "query": "mutation ($image: File!) { addAssets(input: { assets: [{ image: { upload: $image }, tags: [\"from curl\"] }] }) { results { ... on AddedAsset { duplicate asset { id name tags } } ... on InputError { code message } } userErrors { field message } } }", "variables": { "image": null } }' \
  -F 'map={ "0": ["variables.image"] }' \
  -F "0=@$1"

# A document by its hash: the server is told it once, and then knows it.
document='query ($prompt: String!) { search(prompt: $prompt, first: 1) { nodes { name } } }'
hash=$(printf %s "$document" | sha256sum | cut -d ' ' -f 1)
limn -H "$json" -d "{ \"documentId\": \"sha256:$hash\", \"query\": \"$document\", \"variables\": { \"prompt\": \"guitar\" } }"
limn --get --data-urlencode "documentId=sha256:$hash" --data-urlencode 'variables={ "prompt": "dog" }'

# A drawing, and its steps as server-sent events.
id=$(limn -H "$json" -d '{ "query": "mutation { startDrawing(input: { prompt: \"red heart\", generator: SHAPES, steps: 20, width: 128, height: 128 }) { drawing { id } userErrors { message } } }" }' |
  sed 's/.*"id":"\([^"]*\)".*/\1/')
limn --no-buffer -H "$json" -H 'accept: text/event-stream' \
  -d "{ \"query\": \"subscription { drawing(id: \\\"$id\\\") { id status step } }\" }"
