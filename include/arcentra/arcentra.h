/* SPDX-License-Identifier: Apache-2.0 */
/** Everything of libarcentra in one include, in the order in which a newcomer reads it. */
#ifndef ARCENTRA_ARCENTRA_H
#define ARCENTRA_ARCENTRA_H

#include <arcentra/base.h>
#include <arcentra/version.h>

#include <arcentra/spec.h>

#include <arcentra/assist.h>

#include <arcentra/plan.h>

#include <arcentra/expr.h>

#include <arcentra/ctl.h>

#include <arcentra/run.h>

#include <arcentra/reasons.h>

#include <arcentra/explain.h>

#include <arcentra/event.h>

#include <arcentra/runlog.h>

#include <arcentra/store.h>

#include <arcentra/call.h>

#include <arcentra/http.h>

#include <arcentra/grpc.h>

#include <arcentra/service.h>

#include <arcentra/server.h>

#include <arcentra/client.h>

#endif
