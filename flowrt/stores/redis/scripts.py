"""The Lua scripts of the steps, for Redis 6 and later and Valkey.

The text goes with every call: the server knows it by its digest, and a server that took over has nothing to miss. Redis
does not undo what a script has done before it failed; but want of memory, a full disk and being a replica fail at the
first command that writes, and that one always comes before anything is changed. A batch that had been written already
still writes something, so that the server can say when its replicas have all that came before.

KEYS are the lease, the six sorted sets that find instances, the accepted events, the outbox and its order, and then two
keys of each instance: its hash and its history.
"""

from __future__ import annotations

FIXED_KEYS = 10

_MOVE = """
local added, removed = {}, {}
local function places(text)
  local found, at = {}, 1
  while at <= #text do
    local _, stop, place, size = string.find(text, '^(%d+):(%d+):', at)
    at = stop + tonumber(size) + 1
    local member = string.sub(text, stop + 1, at - 1)
    found[place .. ':' .. member] = {KEYS[2 + tonumber(place)], member}
  end
  return found
end
local function move(old, new)
  local before, now = places(old), places(new)
  for place, found in pairs(now) do
    if not before[place] then
      local list = added[found[1]] or {}
      list[#list + 1] = 0
      list[#list + 1] = found[2]
      added[found[1]] = list
    end
  end
  for place, found in pairs(before) do
    if not now[place] then
      local list = removed[found[1]] or {}
      list[#list + 1] = found[2]
      removed[found[1]] = list
    end
  end
end
local function all(command, lists)
  for key, list in pairs(lists) do
    for at = 1, #list, 1000 do
      redis.call(command, key, unpack(list, at, math.min(at + 999, #list)))
    end
  end
end
local function moved()
  all('ZADD', added)
  all('ZREM', removed)
end
"""

COMMIT = (
    _MOVE
    + """
local token, count = ARGV[1], tonumber(ARGV[2])
local current = redis.call('HGET', KEYS[1], 'token') or '0'
if current ~= token then return {'token', current} end
local stale, written = {'stale'}, false
for n = 1, count do
  local held = redis.call('HMGET', KEYS[9 + 2 * n], 'revision', 'token')
  local revision = tonumber(held[1] or '0')
  if revision == tonumber(ARGV[2 + n]) and held[2] == token then
    written = true
  elseif revision ~= tonumber(ARGV[2 + n]) - 1 then
    stale[#stale + 1] = n - 1
  end
end
if #stale > 1 then return stale end
if written then
  redis.call('HSET', KEYS[1], 'token', token)
  return {'written'}
end
local at = 3 + count
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  local key, command = KEYS[tonumber(ARGV[at + 1])], ARGV[at + 2]
  if command == 'MOVE' then
    local old = redis.call('HGET', key, 'places') or ''
    if old ~= ARGV[last] then
      redis.call('HSET', key, 'places', ARGV[last])
      move(old, ARGV[last])
    end
  elseif command == 'EVENT' then
    redis.call('HSET', key, ARGV[last - 1], ARGV[last])
    redis.call('ZADD', KEYS[10], 'NX', redis.call('HINCRBY', KEYS[1], 'events', 1), ARGV[last - 1])
  else
    redis.call(command, key, unpack(ARGV, at + 3, last))
  end
  at = last + 1
end
moved()
return {'done'}
"""
)

DELETE = (
    _MOVE
    + """
local deleted = 0
for n = 1, (#KEYS - 10) / 2 do
  local hash = KEYS[9 + 2 * n]
  if redis.call('EXISTS', hash) == 1 then
    deleted = deleted + 1
    move(redis.call('HGET', hash, 'places') or '', '')
    redis.call('DEL', hash, KEYS[10 + 2 * n])
  end
end
moved()
return deleted
"""
)

_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function till(ttl) return string.format('%.0f', now + tonumber(ttl)) end
"""

ACQUIRE = (
    _NOW
    + """
local held = redis.call('HMGET', KEYS[1], 'holder', 'until')
if held[1] and held[1] ~= ARGV[1] and tonumber(held[2] or '0') > now then return 0 end
local token = redis.call('HINCRBY', KEYS[1], 'token', 1)
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', till(ARGV[2]))
return token
"""
)

RENEW = (
    _NOW
    + """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', till(ARGV[2]))
return 1
"""
)

RELEASE = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', '0')
return 1
"""

TAKES_ANY_BYTES = "return #ARGV[1]"
"""Two for two bytes, if the server's Lua is one that these scripts can be trusted to."""
