-- Ids from a Zipf distribution over N articles, exponent s: the inverse of its continuous
-- cumulative distribution, so that no table is needed. Ranks are scattered over the rows.
-- Arguments: N, s, milliseconds to wait before each request, "check" to look into every answer.
local threads = {}
local n, s, wait, checked
count_mixed, count_a, count_b, count_other = 0, 0, 0, 0

function setup(thread)
  thread:set("seed", #threads + os.time())
  table.insert(threads, thread)
end

function init(args)
  n, s, wait, checked = tonumber(args[1]), tonumber(args[2]), tonumber(args[3]), args[4] == "check"
  math.randomseed(seed)
  if wait > 0 then delay = function() return wait end end
  if checked then response = look end
end

function request()
  local u = math.random()
  local rank
  if s == 1 then
    rank = math.exp(u * math.log(n + 1))
  else
    rank = ((math.pow(n + 1, 1 - s) - 1) * u + 1) ^ (1 / (1 - s))
  end
  local row = (math.floor(rank) * 618033) % n
  return string.format("GET /v1/related?id=article-%07d HTTP/1.1\r\nHost: localhost\r\n\r\n", row)
end

-- Each of two builds has its own mark in every title; no answer may hold both.
function look(status, headers, body)
  if status ~= 200 then return end
  local a, b = body:find("#aaa", 1, true), body:find("#bbb", 1, true)
  if a and b then count_mixed = count_mixed + 1
  elseif a then count_a = count_a + 1
  elseif b then count_b = count_b + 1
  else count_other = count_other + 1 end
end

function done(summary, latency, requests)
  local mixed, a, b, other = 0, 0, 0, 0
  for _, thread in ipairs(threads) do
    mixed, a = mixed + thread:get("count_mixed"), a + thread:get("count_a")
    b, other = b + thread:get("count_b"), other + thread:get("count_other")
  end
  local e = summary.errors
  io.write(string.format(
    'JSON {"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "max_ms": %.3f, ' ..
    '"errors": %d, "mixed": %d, "a": %d, "b": %d, "unmarked": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout, mixed, a, b, other))
end
