import Fastify from 'fastify';
import { LARGEST_BODY, isCloudEvents, isOurs, receive } from './contoso.js';

const fastify = Fastify({ bodyLimit: LARGEST_BODY });

// Without a parser of its own, Fastify answers 415 to application/cloudevents+json.
fastify.removeAllContentTypeParsers();
fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body, done) => done(null, body));

fastify.options('/hook', (request, reply) => {
  const origin = request.headers['webhook-request-origin'];
  if (!origin) return reply.code(405).header('Allow', 'POST').send();
  reply.headers({ 'WebHook-Allowed-Origin': origin, 'WebHook-Allowed-Rate': '*', Allow: 'POST' }).send();
});

// Before the body is read.
const onRequest = async (request, reply) => {
  if (!isOurs(request.raw.headersDistinct['x-contoso-secret'])) return reply.code(401).send();
  if (!isCloudEvents(request.headers['content-type'])) return reply.code(415).send();
};

fastify.post('/hook', { onRequest }, async (request, reply) => {
  receive(request.body, request.headers['aeg-subscription-name'] ?? '');
  return reply.code(200).send();
});

// What Fastify refuses has a status, a body that is no event is 400, and all else is ours: 503 has it come again.
fastify.setErrorHandler((error, request, reply) => {
  reply.code(error.statusCode ?? (error instanceof SyntaxError ? 400 : 503)).send();
});

const address = await fastify.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' });
console.log(`listening on ${address}`);
